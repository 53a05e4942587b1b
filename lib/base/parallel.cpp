#include "base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>

namespace iflow {

namespace {

int& thread_count() {
  static int count = available_threads();
  return count;
}

// The pieces of one parallel_for, each taken once.
class Pieces {
 public:
  Pieces(std::size_t n, const std::function<void(std::size_t)>& f) : f_(f), taken_(n), failed_(n) {}

  // Takes pieces, from `first` on and around, until none is left. Pieces behind one that failed are
  // skipped. Pieces in front of it are not: the error that is kept must not depend on the order.
  void work(std::size_t first) {
    const std::size_t n = taken_.size();
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t i = (first + k) % n;
      if (i > failed_ || taken_[i].exchange(true)) continue;
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
    if (piece > failed_) return;
    error_ = std::current_exception();
    failed_ = piece;
  }

  const std::function<void(std::size_t)>& f_;
  std::vector<std::atomic<bool>> taken_;
  std::atomic<std::size_t> failed_;  // the lowest piece that threw, or the number of pieces
  std::mutex mutex_;
  std::exception_ptr error_;
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
#pragma omp task shared(pieces) firstprivate(t)
      pieces.work(t * n / helpers);
    }
    pieces.work(0);
#pragma omp taskwait
  });
  pieces.rethrow_error();
}

}  // namespace iflow
