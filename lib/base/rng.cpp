#include "base/rng.h"

#include <cmath>
#include <numbers>

namespace iflow {

namespace {

// Bijective mixing of 64 bits (Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014), so that nearby seeds and purposes give unrelated keys.
std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

std::uint32_t low(std::uint64_t x) { return static_cast<std::uint32_t>(x); }
std::uint32_t high(std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); }

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {high(p1) ^ counter[1] ^ key[0], low(p1), high(p0) ^ counter[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

Rng::Rng(std::uint64_t seed, RngPurpose purpose, std::uint64_t a, std::uint32_t b) {
  const std::uint64_t key = mix64(mix64(seed) + static_cast<std::uint64_t>(purpose));
  key_ = {low(key), high(key)};
  counter_ = {0, b, low(a), high(a)};
}

std::uint32_t Rng::next_u32() {
  if (used_ == 4) {
    words_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return words_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Rng::next_u64() {
  const std::uint64_t hi = next_u32();
  return hi << 32U | next_u32();
}

double Rng::uniform() { return static_cast<double>(next_u64() >> 11U) * 0x1p-53; }

std::uint64_t Rng::below(std::uint64_t n) {
  const std::uint64_t limit = n * (~std::uint64_t{0} / n);
  std::uint64_t x = next_u64();
  while (x >= limit) x = next_u64();
  return x % n;
}

double Rng::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2 * std::log1p(-uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace iflow
