// How the benchmark measures: medians of several repeats, against the peak of the machine.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace iflow {

// The middle one of an odd number of samples.
double median(std::vector<double> samples);

// Median seconds of one call of f, over `repeats` samples of at least `seconds` each.
double median_seconds(const std::function<void()>& f, int repeats = 7, double seconds = 0.02);

// Floating-point operations per second of multiply-adds on registers alone, one thread.
template <class T>
double peak_flops(int repeats = 7, double seconds = 0.02);

// x with so many decimals; operations per second as "169 (70 %)", in GFLOP/s and of the peak.
std::string number(double x, int decimals);
std::string flops_and_share(double flops, double peak);

}  // namespace iflow
