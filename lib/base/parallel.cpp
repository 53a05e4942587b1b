#include "base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <vector>

namespace iflow {

namespace {

int& thread_count() {
  static int count = available_threads();
  return count;
}

}  // namespace

void set_threads(int n) { thread_count() = std::max(n, 1); }
int threads() { return thread_count(); }
int available_threads() { return std::max(omp_get_num_procs(), 1); }

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& f) {
  const int team = static_cast<int>(std::min<std::size_t>(n, static_cast<std::size_t>(threads())));
  if (team <= 1) {
    for (std::size_t i = 0; i < n; ++i) f(i);
    return;
  }
  std::vector<std::exception_ptr> errors(n);
#pragma omp parallel for schedule(static) num_threads(team)
  for (std::size_t i = 0; i < n; ++i) {
    try {
      f(i);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace iflow
