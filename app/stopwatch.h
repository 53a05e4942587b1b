// Wall-clock time for people; nothing that is computed depends on it.
#pragma once

#include <chrono>

namespace iflow {

class Stopwatch {
 public:
  // Since construction.
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace iflow
