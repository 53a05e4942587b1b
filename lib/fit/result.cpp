#include "fit/result.h"

#include <limits>
#include <utility>

#include "model/flow_model.h"

namespace iflow {

FitResult evaluate_fit(Fit fit, const Dataset& data) {
  FitResult result;
  if (fit.stack) {
    result.held_out = fit.stack->held_out;
    result.baselines = data.cross_validated_baselines();
    result.effective_rows = data.effective_rows();
    result.fit = std::move(fit);
    return result;
  }
  if (fit.data.image) {
    result.held_out = {-fit.state.best_loss, std::numeric_limits<double>::quiet_NaN()};
  } else {
    const Model model(fit.flow, fit.state.best);
    result.held_out = mean_and_error(model.log_density(data.validation), data.validation_weights);
  }
  result.baselines = data.scores_of_baselines(fit);
  result.parameters = build_flow<float>(fit.flow).layout().count();
  result.effective_rows = data.effective_rows();
  result.fit = std::move(fit);
  return result;
}

bool stopped_early(const Fit& fit) { return fit.state.step < fit.settings.train.steps; }

}  // namespace iflow
