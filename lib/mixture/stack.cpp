#include "mixture/stack.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "base/parallel.h"
#include "mixture/members.h"
#include "mixture/space.h"
#include "mixture/stack_rows.h"
#include "mixture/stacking.h"

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::size_t kKernelsInAll = 2000;
constexpr std::size_t kGroupsOfSplit = 5;  // that weigh each other's members in a single split

std::vector<double> flat(const MatrixXd& rows) {
  const RowMajor copy = rows;
  return {copy.data(), copy.data() + copy.size()};
}

// The rows of a set in a space, no more than `most`, as members learn from them.
MemberRows member_rows(const StackRows& data, const Space& space, const std::vector<Index>& train,
                       std::size_t most) {
  std::vector<Index> rows;
  const std::size_t count = std::min(train.size(), most);
  for (std::size_t i = 0; i < count; ++i) rows.push_back(train[i * train.size() / count]);
  return {space.rows(rows, Eigen::all), data.weights(rows), space.factor};
}

// A mixture of a member's kind: the best of its starts, k-means in whitened and in standardised
// columns by turns.
GaussianMixture best_mixture(const EmRows& rows,
                             const std::vector<std::vector<std::size_t>>& starts,
                             const EmOptions& options) {
  EmResult best;
  for (const std::vector<std::size_t>& start : starts) {
    EmResult result = map_em(rows, start, options);
    if (result.log_likelihood > best.log_likelihood) best = std::move(result);
  }
  return best.mixture;
}

std::vector<std::vector<std::size_t>> draw_starts(const MemberRows& rows, std::size_t components,
                                                  int count, std::uint64_t seed) {
  std::vector<std::vector<std::size_t>> starts;
  for (int s = 0; s < count; ++s) {
    const bool standardised = s % 2 == 0;
    starts.push_back(
        cluster(standardised ? MatrixXd(rows.rows * rows.factor.transpose()) : rows.rows,
                rows.weights, components, seed, static_cast<std::uint64_t>(s)));
  }
  return starts;
}

// All candidates in one space and what they give the rows that their sets hold out.
class Candidates {
 public:
  Candidates(const StackRows& data, const MemberPlan& plan, const StackOptions& options,
             bool with_maps)
      : data_(data),
        plan_(plan),
        seed_(options.seed),
        spaces_(learn_spaces(data, with_maps, plan.column_rows)) {
    for (std::size_t s = 0; s < data.sets.size(); ++s) {
      rows_.push_back(member_rows(data, spaces_[s], data.sets[s].train, plan.em_rows));
      for (const Index i : data.sets[s].held) scored_.push_back({s, i});
    }
  }

  bool mapped() const {
    return std::any_of(spaces_.begin(), spaces_.end(), [](const Space& s) { return s.mapped(); });
  }

  void learn() {
    learn_simple();
    learn_mixtures();
  }

  const Space& refit_space() const { return spaces_.back(); }
  const std::vector<Member>& members() const { return members_; }

  // (scored rows, members), rows as `data` holds them out, set after set.
  MatrixXd log_p() const {
    MatrixXd result(static_cast<Index>(scored_.size()), static_cast<Index>(members_.size()));
    for (std::size_t m = 0; m < members_.size(); ++m) {
      result.col(static_cast<Index>(m)) = columns_[m];
    }
    return result;
  }

  // A member, learned from all rows.
  GaussianMixture refit(const Member& member) const {
    std::vector<Index> all(static_cast<std::size_t>(data_.rows.rows()));
    std::iota(all.begin(), all.end(), Index{0});
    const MemberRows rows = member_rows(data_, spaces_.back(), all, plan_.em_rows);
    if (member.kind != Member::Kind::kMixture) return fit_simple_member(member, rows);
    return best_mixture(EmRows(rows.rows, rows.weights),
                        draw_starts(rows, member.components, plan_.starts, seed_),
                        {member.prior, member.components, plan_.steps});
  }

 private:
  struct Scored {
    std::size_t set;
    Index row;
  };

  // What a mixture that a set has learned gives the rows that it holds out.
  void score(const GaussianMixture& mixture, std::size_t set, VectorXd& column) const {
    const std::vector<Index>& held = data_.sets[set].held;
    const std::vector<double> log_p =
        log_density(mixture, flat(spaces_[set].rows(held, Eigen::all)));
    std::size_t first = 0;
    while (scored_[first].set != set) ++first;
    for (std::size_t i = 0; i < held.size(); ++i) {
      column(static_cast<Index>(first + i)) = log_p[i] + spaces_[set].log_det(held[i]);
    }
  }

  // Room for more members' columns.
  std::size_t add(const std::vector<Member>& members) {
    const std::size_t first = members_.size();
    members_.insert(members_.end(), members.begin(), members.end());
    columns_.resize(members_.size(), VectorXd(static_cast<Index>(scored_.size())));
    return first;
  }

  void learn_simple() {
    const std::vector<Member> simple =
        simple_members(plan_, static_cast<std::size_t>(data_.rows.cols()));
    const std::size_t first = add(simple);
    parallel_for(rows_.size() * simple.size(), [&](std::size_t piece) {
      const std::size_t set = piece / simple.size(), m = piece % simple.size();
      score(fit_simple_member(simple[m], rows_[set]), set, columns_[first + m]);
    });
  }

  void learn_mixtures() {
    std::size_t fewest = rows_.front().weights.size();
    for (const MemberRows& rows : rows_) {
      fewest = std::min(fewest, static_cast<std::size_t>(rows.weights.size()));
    }
    std::vector<std::optional<EmRows>> em_rows(rows_.size());
    parallel_for(rows_.size(), [&](std::size_t set) {
      em_rows[set].emplace(rows_[set].rows, rows_[set].weights);
    });
    std::vector<CovariancePrior> active = plan_.priors;
    std::vector<double> best(active.size(), -kInfinity);
    std::vector<int> worse(active.size(), 0);
    for (const std::size_t components : plan_.component_counts) {
      if (4 * components > fewest || active.empty()) break;
      std::vector<Member> level;
      for (const CovariancePrior& prior : active) {
        level.push_back({Member::Kind::kMixture, 1, 0, components, prior});
      }
      const std::size_t first = add(level);
      learn_level(em_rows, level, first);
      if (plan_.until_worse) leave_off(first, active, best, worse);
    }
  }

  // Mixtures of one number of components, on every set.
  void learn_level(const std::vector<std::optional<EmRows>>& em_rows,
                   const std::vector<Member>& level, std::size_t first) {
    std::vector<std::vector<std::vector<std::size_t>>> starts(rows_.size());
    parallel_for(rows_.size(), [&](std::size_t set) {
      starts[set] = draw_starts(rows_[set], level.front().components, plan_.starts, seed_);
    });
    parallel_for(rows_.size() * level.size(), [&](std::size_t piece) {
      const std::size_t set = piece / level.size(), m = piece % level.size();
      score(best_mixture(*em_rows[set], starts[set],
                         {level[m].prior, level[m].components, plan_.steps}),
            set, columns_[first + m]);
    });
  }

  // Drops priors whose mixtures were worse than their best twice in a row.
  void leave_off(std::size_t first, std::vector<CovariancePrior>& active, std::vector<double>& best,
                 std::vector<int>& worse) const {
    std::size_t kept = 0;
    for (std::size_t m = 0; m < active.size(); ++m) {
      double total = 0, sum = 0;
      for (std::size_t i = 0; i < scored_.size(); ++i) {
        const double w = data_.weights(scored_[i].row);
        total += w;
        sum += w * columns_[first + m](static_cast<Index>(i));
      }
      const bool better = sum / total > best[m];
      worse[m] = better ? 0 : worse[m] + 1;
      best[m] = std::max(best[m], sum / total);
      if (worse[m] >= 2) continue;
      active[kept] = active[m];
      best[kept] = best[m];
      worse[kept++] = worse[m];
    }
    active.resize(kept);
    best.resize(kept);
    worse.resize(kept);
  }

  const StackRows& data_;
  const MemberPlan& plan_;
  std::uint64_t seed_;
  std::vector<Space> spaces_;     // of the sets, and of all rows
  std::vector<MemberRows> rows_;  // of the sets
  std::vector<Scored> scored_;
  std::vector<Member> members_;
  std::vector<VectorXd> columns_;  // held-out log-densities of each member
};

// What stacking weighs: the members of one space.
struct Weighing {
  MatrixXd log_p;  // (scored rows, members)
  std::vector<StackRole> roles;
  StackingOptions options;
  VectorXd weights;  // of the members, by all scored rows
  VectorXd honest;   // by the other groups' rows (scored rows)
  // Mean log-density of the other groups' rows, weighed by themselves, for each group; of all rows
  // at last.
  std::vector<double> chosen_by;
};

struct ScoredRows {
  std::vector<Index> rows;
  VectorXd weights;
  std::vector<std::size_t> groups;
  std::size_t group_count = 0;
};

ScoredRows scored_rows(const StackRows& data) {
  ScoredRows scored;
  for (std::size_t s = 0; s < data.sets.size(); ++s) {
    for (std::size_t i = 0; i < data.sets[s].held.size(); ++i) {
      scored.rows.push_back(data.sets[s].held[i]);
      scored.groups.push_back(data.sets.size() > 1 ? s : i % kGroupsOfSplit);
    }
  }
  scored.weights = data.weights(scored.rows);
  scored.group_count = data.sets.size() > 1 ? data.sets.size() : kGroupsOfSplit;
  return scored;
}

double weighted_mean(const VectorXd& values, const VectorXd& weights) {
  return weights.dot(values) / weights.sum();
}

// Weighs members group by group: piece g leaves group g out, the last one none.
void weigh_without(std::size_t g, const ScoredRows& scored, Weighing& weighing) {
  std::vector<Index> own, others;
  for (std::size_t i = 0; i < scored.groups.size(); ++i) {
    (scored.groups[i] == g ? own : others).push_back(static_cast<Index>(i));
  }
  const MatrixXd log_others = weighing.log_p(others, Eigen::all);
  const VectorXd row_weights = scored.weights(others);
  const VectorXd w = stacking_weights(log_others, row_weights, weighing.roles, weighing.options);
  weighing.chosen_by[g] = weighted_mean(stacked_log_density(log_others, w), row_weights);
  if (own.empty()) {
    weighing.weights = w;
    return;
  }
  weighing.honest(own) = stacked_log_density(weighing.log_p(own, Eigen::all), w);
}

Weighing prepare_weighing(const Candidates& candidates, const ScoredRows& scored,
                          const StackRows& data) {
  Weighing weighing;
  weighing.log_p = candidates.log_p();
  for (const Member& member : candidates.members()) weighing.roles.push_back(member.role());
  const auto n = static_cast<std::size_t>(data.rows.rows());
  weighing.options = {std::min<std::size_t>(2, std::max<std::size_t>(kKernelsInAll / n, 0)),
                      1 / (data.weights.sum() + 2)};
  weighing.honest.resize(static_cast<Index>(scored.rows.size()));
  weighing.chosen_by.resize(scored.group_count + 1);
  return weighing;
}

std::vector<Weighing> weigh(const std::vector<const Candidates*>& spaces, const ScoredRows& scored,
                            const StackRows& data) {
  std::vector<Weighing> weighings;
  for (const Candidates* candidates : spaces) {
    weighings.push_back(prepare_weighing(*candidates, scored, data));
  }
  const std::size_t groups = scored.group_count + 1;
  parallel_for(weighings.size() * groups, [&](std::size_t piece) {
    weigh_without(piece % groups, scored, weighings[piece / groups]);
  });
  return weighings;
}

std::size_t best_space(const std::vector<Weighing>& weighings, std::size_t group) {
  std::size_t best = 0;
  for (std::size_t s = 1; s < weighings.size(); ++s) {
    if (weighings[s].chosen_by[group] > weighings[best].chosen_by[group]) best = s;
  }
  return best;
}

// The kept members, refitted to all rows, as one mixture of uncentred rows.
void refit(const Candidates& candidates, const Weighing& weighing, Stack& stack) {
  std::vector<std::size_t> kept;
  for (std::size_t m = 0; m < weighing.roles.size(); ++m) {
    if (weighing.weights(static_cast<Index>(m)) > 0) kept.push_back(m);
  }
  std::vector<GaussianMixture> parts(kept.size());
  parallel_for(kept.size(),
               [&](std::size_t i) { parts[i] = candidates.refit(candidates.members()[kept[i]]); });
  const Space& space = candidates.refit_space();
  const VectorXd shift = space.factor.triangularView<Eigen::Lower>().solve(space.centre);
  const auto d = static_cast<std::size_t>(space.factor.rows());
  stack.mixture.dimension = d;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const double weight = weighing.weights(static_cast<Index>(kept[i]));
    stack.members.push_back({candidates.members()[kept[i]].name(), weight, parts[i].components()});
    for (GaussianFamily& family : parts[i].families) {
      for (double& log_weight : family.log_weights) log_weight += std::log(weight);
      for (std::size_t k = 0; k < family.means.size(); ++k) {
        family.means[k] += shift(static_cast<Index>(k % d));
      }
      stack.mixture.families.push_back(std::move(family));
    }
  }
  stack.moments = space.moments;
  if (space.mapped()) {
    stack.maps = space.maps;
    stack.map_gains = space.gains;
  }
  stack.factor = flat(space.factor);
}

// Figures of the scored rows, spread over the given ones.
std::vector<double> spread(const VectorXd& values, const ScoredRows& scored,
                           const DistinctRows& distinct) {
  std::vector<double> by_row(static_cast<std::size_t>(distinct.data.rows.rows()), kNotANumber);
  for (std::size_t i = 0; i < scored.rows.size(); ++i) {
    by_row[static_cast<std::size_t>(scored.rows[i])] = values(static_cast<Index>(i));
  }
  std::vector<double> result;
  for (const auto& number : distinct.of) {
    result.push_back(number ? by_row[static_cast<std::size_t>(*number)] : kNotANumber);
  }
  return result;
}

}  // namespace

Stack fit_stack(std::span<const double> rows, std::size_t dimension, RowWeights weights,
                const StackOptions& options) {
  DistinctRows distinct = distinct_rows(rows, dimension, weights, options.seed);
  StackRows& data = distinct.data;
  const MemberPlan plan =
      plan_members(static_cast<std::size_t>(data.rows.rows()), dimension, options.kernels);
  data.sets = draw_sets(static_cast<std::size_t>(data.rows.rows()), plan.folds, plan.held_out,
                        options.seed);
  const ScoredRows scored = scored_rows(data);

  Candidates plain(data, plan, options, false);
  plain.learn();
  std::vector<const Candidates*> spaces = {&plain};
  std::optional<Candidates> mapped;
  if (options.maps) mapped.emplace(data, plan, options, true);
  if (mapped && mapped->mapped()) {
    mapped->learn();
    spaces.push_back(&*mapped);
  }
  const std::vector<Weighing> weighings = weigh(spaces, scored, data);

  Stack stack;
  const std::size_t chosen = best_space(weighings, scored.group_count);
  refit(*spaces[chosen], weighings[chosen], stack);
  VectorXd honest(static_cast<Index>(scored.rows.size()));
  for (Index i = 0; i < honest.size(); ++i) {
    const std::size_t group = scored.groups[static_cast<std::size_t>(i)];
    honest(i) = weighings[best_space(weighings, group)].honest(i);
  }
  stack.held_out_mean = weighted_mean(honest, scored.weights);
  stack.held_out_error =
      ((honest.array() - stack.held_out_mean) * scored.weights.array()).matrix().norm() /
      scored.weights.sum();
  stack.honest_log_p = spread(honest, scored, distinct);
  stack.held_out_log_p = spread(
      stacked_log_density(weighings[chosen].log_p, weighings[chosen].weights), scored, distinct);
  stack.plain_mean = weighted_mean(weighings[0].honest, scored.weights);
  stack.mapped_mean =
      spaces.size() > 1 ? weighted_mean(weighings[1].honest, scored.weights) : kNotANumber;
  stack.folds = plan.folds;
  return stack;
}

std::vector<double> log_density(const Stack& stack, std::span<const double> rows) {
  const std::size_t d = stack.mixture.dimension, n = rows.size() / d;
  MatrixXd u =
      Eigen::Map<const RowMajor>(rows.data(), static_cast<Index>(n), static_cast<Index>(d));
  VectorXd log_det = VectorXd::Zero(static_cast<Index>(n));
  for (std::size_t j = 0; j < d; ++j) {
    const auto column = static_cast<Index>(j);
    u.col(column) = (u.col(column).array() - stack.moments.mean[j]) / stack.moments.deviation[j];
    log_det.array() -= std::log(stack.moments.deviation[j]) + std::log(stack.factor[j * d + j]);
    if (stack.maps.empty() || stack.maps[j].identity()) continue;
    const VectorXd x = u.col(column);
    VectorXd slopes(x.size());
    map_column(stack.maps[j], x.data(), n, u.col(column).data(), slopes.data());
    log_det += slopes;
  }
  const Eigen::Map<const RowMajor> factor(stack.factor.data(), static_cast<Index>(d),
                                          static_cast<Index>(d));
  const MatrixXd y =
      MatrixXd(factor).triangularView<Eigen::Lower>().solve(u.transpose()).transpose();
  std::vector<double> log_p = log_density(stack.mixture, flat(y));
  for (std::size_t i = 0; i < n; ++i) log_p[i] += log_det(static_cast<Index>(i));
  return log_p;
}

}  // namespace iflow
