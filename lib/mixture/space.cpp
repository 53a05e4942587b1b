#include "mixture/space.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/parallel.h"
#include "kernels/normal.h"
#include "mixture/knothe_rosenblatt.h"
#include "mixture/lane_mixture.h"

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using kernels::kHalfLogTwoPi;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kShrinkages[] = {0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 1};
constexpr double kJitter = 1e-10;  // of a correlation matrix

// The sets, and a last one that trains on all rows.
std::vector<TrainingSet> with_refit(const StackRows& data) {
  std::vector<TrainingSet> sets = data.sets;
  TrainingSet refit;
  refit.train.resize(static_cast<std::size_t>(data.rows.rows()));
  std::iota(refit.train.begin(), refit.train.end(), Index{0});
  sets.push_back(std::move(refit));
  return sets;
}

// Which rows choose for set s: those that the others hold out; all that are held out for a single
// set and for the refit.
std::vector<bool> rows_that_choose(const StackRows& data, std::size_t s) {
  std::vector<bool> counted(static_cast<std::size_t>(data.rows.rows()), false);
  for (std::size_t other = 0; other < data.sets.size(); ++other) {
    if (other == s && data.sets.size() > 1) continue;
    for (const Index i : data.sets[other].held) counted[static_cast<std::size_t>(i)] = true;
  }
  return counted;
}

VectorXd weights_of(const StackRows& data, const TrainingSet& set) {
  return data.weights(set.train);
}

// Moments of the rows that are learned from. A column that is constant there has the deviation that
// it has elsewhere.
ColumnMoments moments_of(const StackRows& data, const TrainingSet& set) {
  const VectorXd w = weights_of(data, set);
  const MatrixXd x = data.rows(set.train, Eigen::all);
  ColumnMoments moments;
  for (Index j = 0; j < x.cols(); ++j) {
    const double mean = w.dot(x.col(j)) / w.sum();
    double variance = w.dot((x.col(j).array() - mean).square().matrix()) / w.sum();
    const double least = 1e-24 * std::max(mean * mean, std::numeric_limits<double>::min());
    if (!(variance > least)) {
      const double all = data.weights.dot(data.rows.col(j)) / data.weights.sum();
      variance =
          data.weights.dot((data.rows.col(j).array() - all).square().matrix()) / data.weights.sum();
    }
    moments.mean.push_back(mean);
    moments.deviation.push_back(variance > 0 ? std::sqrt(variance) : 1);
  }
  return moments;
}

// All rows by the moments of a set.
MatrixXd standardise(const MatrixXd& rows, const ColumnMoments& moments) {
  MatrixXd z = rows;
  for (Index j = 0; j < z.cols(); ++j) {
    const auto column = static_cast<std::size_t>(j);
    z.col(j) = (z.col(j).array() - moments.mean[column]) / moments.deviation[column];
  }
  return z;
}

// Some of a column's numbers.
std::vector<double> pick(const MatrixXd& z, Index column, const std::vector<Index>& rows) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const Index i : rows) values.push_back(z(i, column));
  return values;
}

// Of one column: held-out log-densities of all candidates, [candidate][row].
using ColumnScores = std::vector<std::vector<double>>;

// The rows of a set that maps learn from.
std::vector<Index> map_rows_of(const TrainingSet& set, std::size_t most) {
  std::vector<Index> rows;
  const std::size_t n = set.train.size(), count = std::min(n, most);
  for (std::size_t i = 0; i < count; ++i) rows.push_back(set.train[i * n / count]);
  return rows;
}

ColumnMixture learn_map(const StackRows& data, const MatrixXd& z, Index column,
                        const std::vector<Index>& rows, const ColumnCandidate& candidate) {
  const std::vector<double> x = pick(z, column, rows);
  std::vector<double> w;
  for (const Index i : rows) w.push_back(data.weights(i));
  return fit_column(x, w, candidate);
}

void score_column(const StackRows& data, const TrainingSet& set, const MatrixXd& z, Index column,
                  std::size_t map_rows, ColumnScores& scores) {
  const std::vector<ColumnCandidate> candidates = column_candidates();
  const std::vector<double> held = pick(z, column, set.held);
  const std::vector<Index> rows = map_rows_of(set, map_rows);
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    std::vector<double> log_p(held.size(), -kInfinity);
    if (c == 0) {
      for (std::size_t i = 0; i < held.size(); ++i) {
        log_p[i] = -0.5 * held[i] * held[i] - kHalfLogTwoPi;
      }
    } else if (4 * candidates[c].components <= set.train.size()) {
      log_p = log_density(mixture_of(learn_map(data, z, column, rows, candidates[c])), held);
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
      scores[c][static_cast<std::size_t>(set.held[i])] = log_p[i];
    }
  }
}

// The mean gain of a candidate on the plain Gaussian.
double gain_of(const ColumnScores& scores, std::size_t candidate, const VectorXd& weights,
               const std::vector<bool>& counted) {
  double total = 0, sum = 0;
  for (std::size_t i = 0; i < counted.size(); ++i) {
    if (!counted[i]) continue;
    const double w = weights(static_cast<Index>(i));
    total += w;
    sum += w * (scores[candidate][i] - scores[0][i]);
  }
  return sum / total;
}

// Learns the maps of every space and sends `rows`, standardised, through them.
void learn_maps(const StackRows& data, const std::vector<TrainingSet>& sets, std::size_t map_rows,
                std::vector<Space>& spaces) {
  const auto d = static_cast<std::size_t>(data.rows.cols());
  const auto n = static_cast<std::size_t>(data.rows.rows());
  const std::vector<ColumnCandidate> candidates = column_candidates();
  std::vector<ColumnScores> scores(
      d, ColumnScores(candidates.size(), std::vector<double>(n, -kInfinity)));
  parallel_for(data.sets.size() * d, [&](std::size_t piece) {
    const std::size_t s = piece / d, j = piece % d;
    score_column(data, sets[s], spaces[s].rows, static_cast<Index>(j), map_rows, scores[j]);
  });
  for (Space& space : spaces) {
    space.maps.resize(d);
    space.gains.resize(d);
  }
  MatrixXd slopes = MatrixXd::Zero(static_cast<Index>(n * spaces.size()), static_cast<Index>(d));
  parallel_for(spaces.size() * d, [&](std::size_t piece) {
    const std::size_t s = piece / d, j = piece % d;
    const auto column = static_cast<Index>(j);
    const std::vector<bool> counted = rows_that_choose(data, s);
    const std::size_t chosen = choose_column(scores[j], {data.weights.data(), n}, counted);
    if (chosen == 0) return;
    Space& space = spaces[s];
    space.gains[j] = gain_of(scores[j], chosen, data.weights, counted);
    space.maps[j] =
        learn_map(data, space.rows, column, map_rows_of(sets[s], map_rows), candidates[chosen]);
    const VectorXd x = space.rows.col(column);
    map_column(space.maps[j], x.data(), n, space.rows.col(column).data(),
               slopes.col(column).data() + s * n);
  });
  for (std::size_t s = 0; s < spaces.size(); ++s) {
    spaces[s].log_det +=
        slopes.middleRows(static_cast<Index>(s * n), static_cast<Index>(n)).rowwise().sum();
  }
}

// The moments of mapped columns: a lower triangular factor for every shrinkage, if there is one.
struct Whitening {
  VectorXd centre, deviation;
  MatrixXd correlation;

  Whitening(const MatrixXd& u, const VectorXd& w) {
    centre = u.transpose() * w / w.sum();
    const MatrixXd centred = u.rowwise() - centre.transpose();
    const MatrixXd covariance = centred.transpose() * w.asDiagonal() * centred / w.sum();
    deviation = covariance.diagonal().cwiseMax(1e-12).cwiseSqrt();
    const VectorXd scale = deviation.cwiseInverse();
    correlation = scale.asDiagonal() * covariance * scale.asDiagonal();
  }

  // Empty where the correlation is not positive definite.
  MatrixXd factor(double shrinkage) const {
    MatrixXd shrunk = (1 - shrinkage) * correlation;
    shrunk.diagonal().setConstant(1 + kJitter);
    const Eigen::LLT<MatrixXd> llt(shrunk);
    if (llt.info() != Eigen::Success) return {};
    return deviation.asDiagonal() * MatrixXd(llt.matrixL());
  }
};

MatrixXd whitened(const MatrixXd& u, const VectorXd& centre, const MatrixXd& factor) {
  const MatrixXd centred = (u.rowwise() - centre.transpose()).transpose();
  return factor.triangularView<Eigen::Lower>().solve(centred).transpose();
}

// ln N(u; centre, L L^T) of the rows `held`.
void score_shrinkage(const Whitening& whitening, const MatrixXd& u, const TrainingSet& set,
                     std::size_t k, MatrixXd& scores) {
  const MatrixXd factor = whitening.factor(kShrinkages[k]);
  if (factor.size() == 0) return;
  const MatrixXd y = whitened(u(set.held, Eigen::all), whitening.centre, factor);
  const double constant =
      -factor.diagonal().array().log().sum() - static_cast<double>(u.cols()) * kHalfLogTwoPi;
  for (std::size_t i = 0; i < set.held.size(); ++i) {
    const auto row = static_cast<Index>(i);
    scores(set.held[i], static_cast<Index>(k)) = constant - 0.5 * y.row(row).squaredNorm();
  }
}

// The shrinkage of the best mean over the rows that choose, the least of equals.
std::size_t choose_shrinkage(const MatrixXd& scores, const VectorXd& weights,
                             const std::vector<bool>& counted) {
  std::size_t best = std::size(kShrinkages) - 1;
  double best_mean = -kInfinity;
  for (std::size_t k = 0; k < std::size(kShrinkages); ++k) {
    double total = 0, sum = 0;
    for (std::size_t i = 0; i < counted.size(); ++i) {
      if (!counted[i]) continue;
      const auto row = static_cast<Index>(i);
      total += weights(row);
      sum += weights(row) * scores(row, static_cast<Index>(k));
    }
    if (sum / total > best_mean + 1e-9) {
      best = k;
      best_mean = sum / total;
    }
  }
  return best;
}

void whiten(const StackRows& data, const std::vector<TrainingSet>& sets,
            std::vector<Space>& spaces) {
  MatrixXd scores =
      MatrixXd::Constant(data.rows.rows(), static_cast<Index>(std::size(kShrinkages)), -kInfinity);
  std::vector<Whitening> whitenings;
  for (std::size_t s = 0; s < spaces.size(); ++s) {
    whitenings.emplace_back(spaces[s].rows(sets[s].train, Eigen::all), weights_of(data, sets[s]));
  }
  parallel_for(data.sets.size() * std::size(kShrinkages), [&](std::size_t piece) {
    const std::size_t s = piece / std::size(kShrinkages);
    score_shrinkage(whitenings[s], spaces[s].rows, sets[s], piece % std::size(kShrinkages), scores);
  });
  parallel_for(spaces.size(), [&](std::size_t s) {
    Space& space = spaces[s];
    const std::vector<bool> counted = rows_that_choose(data, s);
    std::size_t k = choose_shrinkage(scores, data.weights, counted);
    space.factor = whitenings[s].factor(kShrinkages[k]);
    // What is positive definite on each fold need not be so on all rows.
    while (space.factor.size() == 0) space.factor = whitenings[s].factor(kShrinkages[++k]);
    space.shrinkage = kShrinkages[k];
    space.centre = whitenings[s].centre;
    space.rows = whitened(space.rows, space.centre, space.factor);
    space.log_det.array() -= space.factor.diagonal().array().log().sum();
  });
}

}  // namespace

bool Space::mapped() const {
  return std::any_of(maps.begin(), maps.end(), [](const auto& map) { return !map.identity(); });
}

std::vector<Space> learn_spaces(const StackRows& data, bool with_maps, std::size_t map_rows) {
  const std::vector<TrainingSet> sets = with_refit(data);
  std::vector<Space> spaces(sets.size());
  for (std::size_t s = 0; s < sets.size(); ++s) {
    spaces[s].moments = moments_of(data, sets[s]);
    spaces[s].rows = standardise(data.rows, spaces[s].moments);
    double log_det = 0;
    for (const double deviation : spaces[s].moments.deviation) log_det -= std::log(deviation);
    spaces[s].log_det = VectorXd::Constant(data.rows.rows(), log_det);
  }
  if (with_maps) learn_maps(data, sets, map_rows, spaces);
  whiten(data, sets, spaces);
  return spaces;
}

void map_column(const ColumnMixture& map, const double* x, std::size_t n, double* u,
                double* log_slope) {
  const KnotheRosenblatt transport(mixture_of(map));
  alignas(64) double from[kLanes], to[kLanes], slopes[kLanes];
  for (std::size_t first = 0; first < n; first += kLanes) {
    const std::size_t count = std::min(kLanes, n - first);
    for (std::size_t l = 0; l < kLanes; ++l) from[l] = x[first + std::min(l, count - 1)];
    transport.forward(from, to, slopes);
    std::copy_n(to, count, u + first);
    std::copy_n(slopes, count, log_slope + first);
  }
}

}  // namespace iflow
