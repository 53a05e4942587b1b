#include "base/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace iflow {
namespace {

// Sets the number of threads and puts the old one back at the end.
class WithThreads {
 public:
  explicit WithThreads(int n) : before_(threads()) { set_threads(n); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;
  ~WithThreads() { set_threads(before_); }

 private:
  int before_;
};

constexpr int kThreadCounts[] = {1, 2, 3, 5};

TEST_CASE("at least one thread") {
  const WithThreads keep(threads());
  set_threads(0);
  CHECK(threads() == 1);
  set_threads(-3);
  CHECK(threads() == 1);
  set_threads(7);
  CHECK(threads() == 7);
  CHECK(available_threads() >= 1);
}

TEST_CASE("parallel_for calls every piece once, for any number of threads and pieces") {
  for (const int n_threads : kThreadCounts) {
    const WithThreads keep(n_threads);
    for (const std::size_t n : {0, 1, 2, 3, 7, 1000}) {
      std::vector<std::atomic<int>> calls(n);
      parallel_for(n, [&](std::size_t i) { ++calls[i]; });
      bool once = true;
      for (const std::atomic<int>& c : calls) once = once && c == 1;
      INFO(n, " pieces, ", n_threads, " threads");
      CHECK(once);
    }
  }
}

TEST_CASE("the pieces are spread over the threads") {
  const WithThreads keep(2);
  // Each piece waits until the other has begun: only two threads get through.
  std::atomic<int> begun = 0;
  std::atomic<int> met = 0;
  parallel_for(2, [&](std::size_t) {
    ++begun;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (begun < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    if (begun == 2) ++met;
  });
  CHECK(met == 2);
}

TEST_CASE("the exception of the lowest piece that threw reaches the caller, its type kept") {
  for (const int n_threads : kThreadCounts) {
    const WithThreads keep(n_threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::string message;
      try {
        parallel_for(64, [](std::size_t i) {
          if (i == 5) std::this_thread::yield();
          if (i == 5 || i == 6 || i == 40) throw DataError("piece " + std::to_string(i));
        });
      } catch (const DataError& e) {
        message = e.what();
      }
      CHECK(message == "piece 5");
    }
    CHECK_THROWS_AS(parallel_for(3, [](std::size_t) { throw std::bad_alloc(); }), std::bad_alloc);
    // It is none the worse for it.
    std::atomic<int> calls = 0;
    parallel_for(10, [&](std::size_t) { ++calls; });
    CHECK(calls == 10);
  }
}

TEST_CASE("parallel_for and with_team work inside a team") {
  for (const int n_threads : kThreadCounts) {
    const WithThreads keep(n_threads);
    std::atomic<int> calls = 0;
    int rounds = 0;
    with_team([&] {
      for (; rounds < 20; ++rounds) parallel_for(8, [&](std::size_t) { ++calls; });
      with_team([&] { parallel_for(8, [&](std::size_t) { ++calls; }); });
    });
    CHECK(rounds == 20);
    CHECK(calls == 21 * 8);
    CHECK_THROWS_WITH_AS(with_team([] {
                           parallel_for(4, [](std::size_t i) {
                             if (i == 2) throw NumericError("piece 2");
                           });
                         }),
                         "piece 2", NumericError);
    CHECK_THROWS_WITH_AS(with_team([] { throw UsageError("no"); }), "no", UsageError);
  }
}

}  // namespace
}  // namespace iflow
