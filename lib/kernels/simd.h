// Rows live in SIMD lanes. A tensor is stored [groups][elements][kLanes]: kLanes rows side by side
// in the lanes, so that a weight is broadcast and a row never meets its neighbour. GCC and Clang
// vector extensions lower `Vec<T>` to whatever vectors the machine has.
#pragma once

#include <cstddef>
#include <cstring>
#include <utility>

namespace iflow {

// Rows per group, for every scalar type and machine.
inline constexpr std::size_t kLanes = 16;

namespace simd {

#if defined(__AVX512F__)
inline constexpr std::size_t kVectorBytes = 64;
inline constexpr std::size_t kRegisters = 32;
#elif defined(__AVX__)
inline constexpr std::size_t kVectorBytes = 32;
inline constexpr std::size_t kRegisters = 16;
#else
inline constexpr std::size_t kVectorBytes = 16;
inline constexpr std::size_t kRegisters = 16;
#endif

template <class T>
struct VectorOf {
  using type [[gnu::vector_size(kVectorBytes), gnu::may_alias]] = T;
};

// One machine register of T.
template <class T>
using Vec = typename VectorOf<T>::type;

// Elements of T in a machine register, and registers in a group of kLanes.
template <class T>
inline constexpr std::size_t kWidth = kVectorBytes / sizeof(T);
template <class T>
inline constexpr std::size_t kRegistersPerGroup = kLanes / kWidth<T>;

template <class T>
inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const Vec<T>*>(p);
}

template <class T>
inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<Vec<T>*>(p) = v;
}

// The same for addresses of any alignment, such as a weight's gradient may have.
template <class T>
inline Vec<T> load_unaligned(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
inline void store_unaligned(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}

// x in every lane.
template <class T>
inline Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

// y = x on a group's kLanes lanes.
template <class T>
inline void fill(T* y, T x) {
#pragma GCC unroll 4
  for (std::size_t l = 0; l < kLanes; l += kWidth<T>) store(y + l, broadcast(x));
}

// y += a x on a group's kLanes lanes. (The compiler must assume that the arrays alias, and would
// not vectorise a plain loop.)
template <class T>
inline void add_product(T* y, const T* a, const T* x) {
#pragma GCC unroll 4
  for (std::size_t l = 0; l < kLanes; l += kWidth<T>) {
    store(y + l, load(y + l) + load(a + l) * load(x + l));
  }
}

// Hides the origin of a pointer from GCC, which would compute the addresses of all rows of a tile
// in advance and spill them.
template <class T>
[[gnu::always_inline]] inline void forget(T*& p) {
  asm("" : "+r"(p));
}

// Keeps a loaded value in a register. Where registers are few, GCC would load it again for each
// use, and two loads a cycle do not feed two multiply-adds.
template <class T>
[[gnu::always_inline]] inline void hold([[maybe_unused]] Vec<T>& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#endif
}

// *p in every lane, as a memory operand of the multiply-add that computes `user`: for where no
// register is left for it.
template <class T>
[[gnu::always_inline]] inline Vec<T> broadcast_for([[maybe_unused]] Vec<T>& user, const T* p) {
#if defined(__x86_64__)
  asm("" : "+v"(user), "+r"(p));
#endif
  return broadcast(*p);
}

// Adds the upper half of the first 2 kHalf lanes to the lower, until all of them are in the first.
template <class T, std::size_t kHalf, std::size_t... kLane>
inline T sum_of_lanes(Vec<T> v, std::index_sequence<kLane...> lanes) {
  v += __builtin_shufflevector(v, v, ((kLane + kHalf) % kWidth<T>)...);
  if constexpr (kHalf == 1)
    return v[0];
  else
    return sum_of_lanes<T, kHalf / 2>(v, lanes);
}

// The sum of all lanes.
template <class T>
inline T sum(Vec<T> v) {
  return sum_of_lanes<T, kWidth<T> / 2>(v, std::make_index_sequence<kWidth<T>>{});
}

// Combines x and y, which hold the partial sums of kHeld accumulators each (kWidth / kHeld lanes
// apiece, in order), into a vector that holds those of all 2 kHeld, half as many lanes apiece.
template <class T, std::size_t kHeld, std::size_t... kLane>
inline Vec<T> fold_pair(Vec<T> x, Vec<T> y, std::index_sequence<kLane...>) {
  constexpr std::size_t kSpan = kWidth<T> / kHeld;
  constexpr auto kSource = [](std::size_t lane) {
    const std::size_t accumulator = lane / (kSpan / 2);
    return accumulator * kSpan + lane % (kSpan / 2);
  };
  return __builtin_shufflevector(x, y, kSource(kLane)...) +
         __builtin_shufflevector(x, y, (kSource(kLane) + kSpan / 2)...);
}

template <class T, std::size_t kHeld>
inline Vec<T> fold(const Vec<T>* acc) {
  if constexpr (kHeld == 1) {
    return acc[0];
  } else {
    return fold_pair<T, kHeld / 2>(fold<T, kHeld / 2>(acc), fold<T, kHeld / 2>(acc + kHeld / 2),
                                   std::make_index_sequence<kWidth<T>>{});
  }
}

// sums[i] = the sum over the lanes of acc[i], for kCount accumulators (a multiple of kWidth);
// always added in the same order.
template <class T, std::size_t kCount>
inline void horizontal_sums(const Vec<T>* acc, T* sums) {
  static_assert(kCount % kWidth<T> == 0);
  for (std::size_t i = 0; i < kCount; i += kWidth<T>) store(sums + i, fold<T, kWidth<T>>(acc + i));
}

// Exchanges the off-diagonal kHalf x kHalf blocks of the 2 kHalf x 2 kHalf blocks in rows a and b.
template <class T, std::size_t kHalf, std::size_t... kLane>
inline void exchange(Vec<T>& a, Vec<T>& b, std::index_sequence<kLane...>) {
  constexpr auto kUpper = [](std::size_t lane) { return (lane & kHalf) != 0; };
  const Vec<T> top =
      __builtin_shufflevector(a, b, (kUpper(kLane) ? kWidth<T> + kLane - kHalf : kLane)...);
  b = __builtin_shufflevector(a, b, (kUpper(kLane) ? kWidth<T> + kLane : kLane + kHalf)...);
  a = top;
}

// Transposes a kWidth x kWidth block held in registers.
template <class T, std::size_t kHalf = kWidth<T> / 2>
inline void transpose(Vec<T>* rows) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kWidth<T>; ++i) {
    if ((i & kHalf) == 0) {
      exchange<T, kHalf>(rows[i], rows[i + kHalf], std::make_index_sequence<kWidth<T>>{});
    }
  }
  if constexpr (kHalf > 1) transpose<T, kHalf / 2>(rows);
}

}  // namespace simd
}  // namespace iflow
