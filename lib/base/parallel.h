// Data parallelism over a fixed number of pieces. What a piece computes may depend on its index
// only, never on the thread that runs it, so results are the same for any number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace iflow {

// The number of threads that work is spread over from now on; at least 1.
void set_threads(int n);
int threads();
// Processors this process may run on.
int available_threads();

// Calls f() with a team of threads standing by, so that many small parallel_for inside it find
// their helpers awake. Exceptions pass through.
void with_team(const std::function<void()>& f);

// Calls f(0), ..., f(n-1), each once, spread over the threads. A thread begins with a run of its
// own, the same in every call with as many pieces, whose data its cache may still hold; then it
// takes what is left of the others, so that a thread that the system has put aside delays nobody.
// The exception of the lowest piece that threw is rethrown; pieces after it may have been left out.
// Not to be called from inside a piece.
void parallel_for(std::size_t n, const std::function<void(std::size_t)>& f);

}  // namespace iflow
