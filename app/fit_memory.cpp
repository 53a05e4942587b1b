#include "fit_memory.h"

#include <sys/resource.h>

#include <cmath>

#include "base/parallel.h"

namespace iflow {
namespace {

std::string megabytes(double bytes) {
  return std::to_string(static_cast<long>(std::ceil(bytes * 1e-6))) + " MB";
}

double peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1024 * static_cast<double>(usage.ru_maxrss);
}

}  // namespace

std::string memory_text(Trainer& trainer) {
  const TrainingMemory memory = trainer.memory();
  return "memory: " + megabytes(static_cast<double>(memory.parameters)) +
         " of parameters, their averages, moments and gradients; " +
         megabytes(static_cast<double>(memory.step)) + " for a step of " +
         std::to_string(trainer.config().batch) + " rows on " + std::to_string(threads()) +
         (threads() == 1 ? " thread" : " threads") + ", however many terms; in all at most " +
         megabytes(peak_bytes()) + " up to here, where the first step begins";
}

}  // namespace iflow
