#include "mixture/members.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace iflow {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kWideScales[] = {1.5, 3, 10};
constexpr double kWideColumnScales[] = {10, 30, 100};
constexpr double kBandwidths[] = {0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.1};
constexpr std::size_t kKernelRows = 2000;
// Features beyond which a step costs too much for more than a few kinds.
constexpr std::size_t kManyFeatures = 800;

using Target = CovariancePrior::Target;

std::vector<CovariancePrior> all_priors(double d) {
  return {{Target::kPooled, 2, 0.1},           {Target::kPooled, d + 2, 0.1},
          {Target::kPooled, 4 * d + 8, 0.1},   {Target::kPooled, kInfinity, 0.1},
          {Target::kIdentity, 2, 0.03},        {Target::kIdentity, d + 2, 0.03},
          {Target::kIdentity, d + 2, 0.1},     {Target::kIdentity, d + 2, 0.3},
          {Target::kIdentity, 4 * d + 8, 0.1}, {Target::kIdentity, 4 * d + 8, 0.3}};
}

std::vector<CovariancePrior> few_priors(double d) {
  return {{Target::kPooled, d + 2, 0.1},
          {Target::kPooled, kInfinity, 0.1},
          {Target::kIdentity, d + 2, 0.1}};
}

GaussianMixture single(const MatrixXd& covariance) {
  const auto d = static_cast<std::size_t>(covariance.rows());
  GaussianFamily family{precision_factor({covariance.data(), d * d}, d), {0.0}, {}};
  family.means.assign(d, 0);
  return {d, {std::move(family)}};
}

}  // namespace

StackRole Member::role() const {
  if (kind == Kind::kWide || kind == Kind::kWideColumn) return StackRole::kWide;
  return kind == Kind::kKernels ? StackRole::kKernels : StackRole::kOrdinary;
}

std::string Member::name() const {
  std::ostringstream out;
  switch (kind) {
    case Kind::kGaussian:
      out << "Gaussian";
      break;
    case Kind::kWide:
      out << "Gaussian of " << scale << " standard deviations";
      break;
    case Kind::kWideColumn:
      out << "Gaussian of " << scale << " standard deviations in column " << column + 1;
      break;
    case Kind::kKernels:
      out << "kernels of " << scale << " standard deviations";
      break;
    case Kind::kMixture:
      out << components << " Gaussians, ";
      if (std::isinf(prior.strength)) {
        out << "one covariance";
      } else {
        out << "covariances drawn to "
            << (prior.target == Target::kPooled ? "their mean" : "a ball of variance ");
        if (prior.target == Target::kIdentity) out << prior.variance;
        out << " by " << prior.strength << " rows";
      }
  }
  return out.str();
}

MemberPlan plan_members(std::size_t rows, std::size_t dimension, bool kernels) {
  const auto d = static_cast<double>(dimension);
  const bool many = dimension * (dimension + 3) / 2 + 1 > kManyFeatures;
  MemberPlan plan;
  plan.kernels = kernels && rows <= kKernelRows;
  plan.component_counts = {2, 3, 4, 5, 7, 10, 14, 20, 28, 40};
  plan.priors = all_priors(d);
  if (many) {
    plan.priors = {{Target::kPooled, d + 2, 0.3}, {Target::kPooled, kInfinity, 0.3}};
  }
  if (rows < 1000) {
    plan.folds = std::min<std::size_t>(5, rows);
    return plan;
  }
  if (!many) plan.priors = few_priors(d);
  plan.starts = 1;
  plan.steps = 60;
  if (rows <= 2000) return plan;
  plan.folds = 1;
  plan.held_out = std::clamp<std::size_t>(rows / 10, 500, 2000);
  if (rows <= 5000) return plan;
  plan.component_counts = {10, 30, 60, 100};
  plan.until_worse = false;
  plan.priors.resize(many ? 1 : 2);
  return plan;
}

std::vector<Member> simple_members(const MemberPlan& plan, std::size_t dimension) {
  std::vector<Member> members = {{Member::Kind::kGaussian}};
  for (const double scale : kWideScales) members.push_back({Member::Kind::kWide, scale});
  for (std::size_t j = 0; j < dimension; ++j) {
    for (const double scale : kWideColumnScales) {
      members.push_back({Member::Kind::kWideColumn, scale, j});
    }
  }
  if (!plan.kernels) return members;
  for (const double scale : kBandwidths) members.push_back({Member::Kind::kKernels, scale});
  return members;
}

GaussianMixture fit_simple_member(const Member& member, const MemberRows& rows) {
  const Index d = rows.rows.cols();
  const MatrixXd identity = MatrixXd::Identity(d, d);
  const double variance = member.scale * member.scale;
  switch (member.kind) {
    case Member::Kind::kGaussian:
      return single(identity);
    case Member::Kind::kWide:
      return single(variance * identity);
    case Member::Kind::kWideColumn: {
      // One column's variance grows before whitening: a rank more of what L^-1 makes of it.
      const auto j = static_cast<Index>(member.column);
      const VectorXd unit = rows.factor.row(j).norm() * identity.col(j);
      const VectorXd along = rows.factor.triangularView<Eigen::Lower>().solve(unit);
      return single(identity + (variance - 1) * along * along.transpose());
    }
    case Member::Kind::kKernels: {
      GaussianMixture kernels = single(variance * identity);
      GaussianFamily& family = kernels.families.front();
      family.log_weights.clear();
      family.means.clear();
      const double log_total = std::log(rows.weights.sum());
      for (Index i = 0; i < rows.rows.rows(); ++i) {
        family.log_weights.push_back(std::log(rows.weights(i)) - log_total);
        for (Index c = 0; c < d; ++c) family.means.push_back(rows.rows(i, c));
      }
      return kernels;
    }
    case Member::Kind::kMixture:
      break;
  }
  return single(identity);
}

}  // namespace iflow
