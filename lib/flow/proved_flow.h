// A flow with its effective parameters, in double, and what is proved of them.
#pragma once

#include <span>
#include <vector>

#include "flow/build_flow.h"

namespace iflow {

// Rows on a tape, and the pass for them.
struct LoadedPass {
  Pass<double> pass;
  Var x;
};

class ProvedFlow {
 public:
  // `values`: the effective parameters, laid out as the flow's layout says.
  // Throws NumericError when a block's proved Lipschitz bound is not below 1.
  ProvedFlow(const FlowConfig& config, std::span<const float> values);

  const FlowConfig& config() const { return config_; }
  const Flow<double>& flow() const { return flow_; }
  std::span<const double> values() const { return values_; }
  // Columns modelled, and numbers in a row: with the condition.
  std::size_t dimension() const { return flow_.dimension(); }
  std::size_t row_width() const { return config_.row_width(); }
  // What is proved of the layers' inverses.
  const FlowCertificate& certificate() const { return certificate_; }
  // Proved Lipschitz bound of every layer's residual branch, 0 where it has none.
  const std::vector<double>& lipschitz_bounds() const { return bounds_; }
  // Whether no layer is a residual block: log-determinants and inverses have closed forms.
  bool has_closed_form() const;

  // rows (n, row_width), n > 0, on a tape, their condition standardised.
  LoadedPass load(Tape<double>& tape, const double* rows, std::size_t n) const;

 private:
  FlowConfig config_;
  Flow<double> flow_;
  std::vector<double> values_;
  FlowCertificate certificate_;
  std::vector<double> bounds_;
};

}  // namespace iflow
