// The few pieces of numerical analysis that the toy densities need.
#pragma once

#include <vector>

namespace iflow {

// e^-z I0(z) for z >= 0, I0 the modified Bessel function of order 0; relative error below 1e-14.
double scaled_bessel_i0(double z);

// e^(z^2) erfc(z) for z >= 0; relative error below 1e-12.
double scaled_erfc(double z);

// sum_k weights[k] f(nodes[k]) approximates the integral of f.
struct Quadrature {
  std::vector<double> nodes;
  std::vector<double> weights;
};

// Gauss-Legendre quadrature with `order` nodes on every panel edges[j] .. edges[j + 1].
Quadrature gauss_legendre(const std::vector<double>& edges, int order);

// ln sum_k exp(term_k), term by term, without overflow. No terms, or only -inf: -inf.
class LogSumExp {
 public:
  void add(double term);
  double value() const;

 private:
  bool empty_ = true;
  double largest_ = 0;
  double sum_ = 0;  // of exp(term - largest_)
};

}  // namespace iflow
