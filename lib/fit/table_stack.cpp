// The stacked mixture of a table's rows, and the baselines beside it.
#include <algorithm>
#include <cmath>
#include <utility>

#include "fit/table_dataset.h"
#include "flow/interval.h"
#include "mixture/stack.h"
#include "recipes/stack_flow.h"

namespace iflow {
namespace {

constexpr std::size_t kFolds = 5;

// ln |det| of the bounds at every row (n, width).
std::vector<double> log_slopes(const std::optional<IntervalConfig>& bounds,
                               const std::vector<double>& rows, std::size_t width) {
  std::vector<double> sums(rows.size() / width, 0);
  if (!bounds) return sums;
  for (const ColumnInterval& b : bounds->columns) {
    const IntervalMap column(b, bounds->alpha);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += column.log_slope(rows[i * width + b.column]);
    }
  }
  return sums;
}

// What is held out of the given rows' ln p, in the data's own units. Rows that no fold held out are
// left out.
MeanAndError held_out_mean(const Stack& stack, const std::vector<double>& log_slope,
                           const std::vector<double>& weights) {
  std::vector<double> log_p, of_rows;
  for (std::size_t i = 0; i < log_slope.size(); ++i) {
    if (std::isnan(stack.honest_log_p[i])) continue;
    log_p.push_back(stack.honest_log_p[i] + log_slope[i]);
    if (!weights.empty()) of_rows.push_back(weights[i]);
  }
  return mean_and_error(log_p, of_rows);
}

// The rows (n, width) of a fold, or the others.
std::vector<double> rows_of_fold(const std::vector<double>& rows, std::size_t width,
                                 std::size_t fold, bool held_out) {
  std::vector<double> some;
  for (std::size_t i = 0; i < rows.size() / width; ++i) {
    if ((i % kFolds == fold) != held_out) continue;
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(i * width);
    some.insert(some.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
  return some;
}

}  // namespace

void TableDataset::set_stack(Fit& fit) const {
  const std::unique_ptr<const Dataset> everything = without_validation();
  const auto& all = static_cast<const TableDataset&>(*everything);
  const std::size_t width = record.columns.size();
  const std::vector<double> rows = behind_bounds(all, all.training);
  const Stack stack = fit_stack(rows, width, all.weights, {.seed = seed});
  fit.flow = stack_flow(stack, bounds);
  fit.lattices = lattices;
  fit.data = all.record;
  all.set_baselines(fit);
  const std::vector<double> log_slope = log_slopes(bounds, all.training, width);
  const MeanAndError held_out = held_out_mean(stack, log_slope, all.weights);
  fit.stack = StackRecord{held_out, stack.folds, stack.members, stack.map_gains};
  std::vector<double> log_p = log_density(stack, rows);
  for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] += log_slope[i];
  fit.state.best_loss = -held_out.mean;
  fit.state.history = {{0, -mean_and_error(log_p, all.weights).mean, -held_out.mean}};
}

BaselineScores TableDataset::cross_validated_baselines() const {
  const std::unique_ptr<const Dataset> everything = without_validation();
  const auto& all = static_cast<const TableDataset&>(*everything);
  const std::size_t width = record.columns.size();
  std::vector<double> of_gaussian, of_mixture, of_rows;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    const std::vector<double> fitted = rows_of_fold(all.training, width, fold, false),
                              held_out = rows_of_fold(all.training, width, fold, true);
    std::vector<double> fitted_weights, held_out_weights;
    if (!all.weights.empty()) {
      fitted_weights = rows_of_fold(all.weights, 1, fold, false);
      held_out_weights = rows_of_fold(all.weights, 1, fold, true);
    }
    const auto add = [&](const auto& baseline, std::vector<double>& log_p) {
      const std::vector<double> more = log_density(baseline, held_out);
      log_p.insert(log_p.end(), more.begin(), more.end());
    };
    add(fit_gaussian(fitted, width, fitted_weights), of_gaussian);
    add(fit_mixture(fitted, width, seed, fitted_weights), of_mixture);
    of_rows.insert(of_rows.end(), held_out_weights.begin(), held_out_weights.end());
  }
  return {.gaussian = mean_and_error(of_gaussian, of_rows),
          .mixture = mean_and_error(of_mixture, of_rows)};
}

}  // namespace iflow
