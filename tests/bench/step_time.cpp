#include "bench/step_time.h"

#include <cstdio>
#include <vector>

#include "base/parallel.h"
#include "bench/measure.h"

namespace iflow {

namespace {

// The clock of a processor under load is not that of one at rest: the peak is measured between the
// samples.
StepTime time_steps(Trainer& trainer, double flops, int threads) {
  constexpr int kSamples = 9;
  set_threads(threads);
  std::vector<double> seconds, shares;
  with_team([&] {
    double before = peak_flops<float>(1, 0.002);
    for (int i = 0; i < kSamples; ++i) {
      seconds.push_back(median_seconds([&] { trainer.step(); }, 1, 0.2));
      const double after = peak_flops<float>(1, 0.002);
      shares.push_back(flops / seconds.back() / ((before + after) / 2));
      before = after;
    }
  });
  return {median(seconds), median(shares)};
}

}  // namespace

StepTime print_step_time(Trainer& trainer, double flops) {
  const StepTime one = time_steps(trainer, flops, 1), two = time_steps(trainer, flops, 2);
  set_threads(1);
  std::printf("one thread  %.3f ms  %.0f GFLOP/s  %.0f %% of the peak between the steps\n",
              one.seconds * 1e3, flops / one.seconds * 1e-9, 100 * one.share);
  std::printf("two threads %.3f ms  %.2f times one\n", two.seconds * 1e3,
              one.seconds / two.seconds);
  return one;
}

}  // namespace iflow
