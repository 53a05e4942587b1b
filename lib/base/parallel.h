// Data parallelism over a fixed number of pieces. What a piece computes may depend on its index
// only, never on the thread that runs it, so results are the same for any number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace iflow {

// The number of threads that parallel_for uses from now on; at least 1.
void set_threads(int n);
int threads();
// Processors this process may run on.
int available_threads();

// Calls f(0), ..., f(n-1), each once, spread over the threads in contiguous runs. An exception
// does not stop the other pieces; the one of the lowest index is rethrown to the caller.
// Not to be called from inside a piece.
void parallel_for(std::size_t n, const std::function<void(std::size_t)>& f);

}  // namespace iflow
