#include "base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace iflow {

namespace {

int& thread_count() {
  static int count = available_threads();
  return count;
}

// The pieces of one parallel_for: handed out in order, each once.
class Pieces {
 public:
  Pieces(std::size_t n, const std::function<void(std::size_t)>& f) : n_(n), f_(f) {}

  // Takes pieces until none is left.
  void work() {
    for (std::size_t i = next_++; i < n_; i = next_++) {
      try {
        f_(i);
      } catch (...) {
        keep_error(i);
      }
    }
  }

  void rethrow_error() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void keep_error(std::size_t piece) {
    const std::lock_guard lock(mutex_);
    if (error_ && failed_ < piece) return;
    error_ = std::current_exception();
    failed_ = piece;
    next_ = n_;
  }

  std::size_t n_;
  const std::function<void(std::size_t)>& f_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
  std::size_t failed_ = 0;
};

}  // namespace

void set_threads(int n) { thread_count() = std::max(n, 1); }
int threads() { return thread_count(); }
int available_threads() { return std::max(omp_get_num_procs(), 1); }

void with_team(const std::function<void()>& f) {
  if (threads() == 1 || omp_in_parallel() != 0) {
    f();
    return;
  }
  std::exception_ptr error;
#pragma omp parallel num_threads(threads())
#pragma omp single
  {
    try {
      f();
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& f) {
  Pieces pieces(n, f);
  const auto helpers = std::min<std::size_t>(n, static_cast<std::size_t>(threads()));
  with_team([&] {
    // A helper's task that nobody has begun when the pieces run out is done by this thread, in no
    // time: only pieces in progress are waited for.
    for (std::size_t t = 1; t < helpers; ++t) {
#pragma omp task shared(pieces)
      pieces.work();
    }
    pieces.work();
#pragma omp taskwait
  });
  pieces.rethrow_error();
}

}  // namespace iflow
