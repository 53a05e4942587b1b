#include "eval_baselines.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "baselines/conditional.h"
#include "data/input_file.h"
#include "model/integer_columns.h"
#include "report/number_format.h"

namespace iflow {
namespace {

// No draw of the rows to evaluate has this number.
constexpr std::uint64_t kDrawOfCentres = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::vector<Baseline> baselines_of(const Fit& fit, const std::optional<KernelDensity>& kde) {
  const std::size_t d = fit.flow.dimension, width = fit.flow.row_width();
  const auto density = [d, width](const auto& joint) {
    return [d, width, &joint](std::span<const double> rows) {
      return conditional_log_density(joint, rows, d, width);
    };
  };
  std::vector<Baseline> baselines = {{"Gaussian", "gaussian", "difference", density(fit.gaussian)},
                                     {"mixture of " + std::to_string(fit.mixture.weights.size()),
                                      "mixture", "mixture_difference", density(fit.mixture)}};
  if (kde) baselines.push_back({"KDE", "kde", "kde_difference", density(*kde)});
  return baselines;
}

KernelDensity kde_of_file(const Fit& fit, const std::string& path, const RowInput& input,
                          std::uint64_t seed) {
  const Table table = read_table(path, rows_like(input.table, fit.data));
  const std::string where = display_name(path);
  if (table.rows < 2) throw DataError(where + ": a KDE needs at least 2 rows");
  std::vector<std::uint64_t> ids(table.rows);
  std::iota(ids.begin(), ids.end(), 0);
  refuse_off_lattice(fit, {table.values, ids}, path);
  std::vector<double> rows = table.values;
  dequantise_of(fit).add_noise(rows, ids, seed, kDrawOfCentres);
  const ColumnMoments moments = column_moments(rows, table.columns.size());
  for (std::size_t j = 0; j < table.columns.size(); ++j) {
    if (moments.deviation[j] > 0) continue;
    throw DataError(where + ": column \"" + table.columns[j] + "\" is constant: it has no KDE");
  }
  return fit_kernel_density(rows, table.columns.size());
}

std::string describe(const KernelDensity& kde, const Fit& fit) {
  const std::size_t centres = kde.centres.size() / kde.moments.mean.size();
  return "KDE: a Gaussian kernel at each of " + with_commas(centres) +
         " training rows; one bandwidth for all standardised columns, " +
         significant(kde.bandwidth) + ", of " + std::to_string(kde_bandwidths().size()) + " from " +
         significant(kNarrowest) + " to " + significant(kWidest) +
         " the likeliest, leaving one out, for " + with_commas(std::min(centres, kMaxChoosers)) +
         " of the rows" +
         (kde.narrowest_tried ? " (the narrowest tried: are numbers rounded or rows repeated?)"
                              : "") +
         (fit.data.given.empty() ? "" : "; of the joint density");
}

std::vector<std::vector<double>> averaged_log_densities(const std::vector<Baseline>& baselines,
                                                        const Density& density, const Rows& rows) {
  const std::size_t draws = std::max<std::size_t>(density.draws(), 1);
  std::vector<std::vector<double>> averages(baselines.size(),
                                            std::vector<double>(rows.indices.size(), 0));
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const std::vector<double> x = density.drawn(rows, draw);
    for (std::size_t b = 0; b < baselines.size(); ++b) {
      const std::vector<double> log_p = baselines[b].log_density(x);
      for (std::size_t i = 0; i < log_p.size(); ++i) {
        averages[b][i] += log_p[i] / static_cast<double>(draws);
      }
    }
  }
  return averages;
}

}  // namespace iflow
