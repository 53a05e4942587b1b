#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "kernels/simd.h"

namespace iflow {

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

double median_seconds(const std::function<void()>& f, int repeats, double seconds) {
  const auto seconds_of = [&](std::size_t calls) {
    const double start = now();
    for (std::size_t i = 0; i < calls; ++i) f();
    return now() - start;
  };
  f();
  // The clock is read around many calls of a short f: reading it takes as long as a small product.
  std::size_t calls = 1;
  while (seconds_of(calls) < seconds) calls *= 2;
  std::vector<double> samples;
  for (int r = 0; r < repeats; ++r) {
    samples.push_back(seconds_of(calls) / static_cast<double>(calls));
  }
  return median(std::move(samples));
}

std::string number(double x, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, x);
  return text;
}

template <class T>
double peak_flops(int repeats, double at_least) {
  using V = simd::Vec<T>;
  constexpr int kChains = 12;
  constexpr int kRounds = 1 << 16;
  T sink = 0;
  const double seconds = median_seconds(
      [&] {
        const V factor = simd::broadcast(T(0.999)), addend = simd::broadcast(T(0.001));
        V a[kChains];
#pragma GCC unroll 12
        for (int c = 0; c < kChains; ++c) a[c] = simd::broadcast(static_cast<T>(c));
        for (int i = 0; i < kRounds; ++i) {
#pragma GCC unroll 12
          for (int c = 0; c < kChains; ++c) a[c] = a[c] * factor + addend;
        }
#pragma GCC unroll 12
        for (int c = 0; c < kChains; ++c) sink += a[c][0];
      },
      repeats, at_least);
  if (sink == T(0.5)) std::puts("");  // the sums count for something: nothing may be left out
  return 2.0 * kChains * kRounds * static_cast<double>(simd::kWidth<T>) / seconds;
}

template double peak_flops<float>(int, double);
template double peak_flops<double>(int, double);

std::string flops_and_share(double flops, double peak) {
  return number(flops * 1e-9, 0) + " (" + number(100 * flops / peak, 0) + " %)";
}

}  // namespace iflow
