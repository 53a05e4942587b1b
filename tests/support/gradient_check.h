// Checks the gradients of anything recorded on a tape, in double, against central differences. A
// check is a lambda plus the points to check it at.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autodiff/tape.h"
#include "base/rng.h"
#include "nn/parameters.h"
#include "support/tolerances.h"

namespace iflow {

// An input [groups][elements][kLanes].
struct CheckedInput {
  std::string name;
  std::size_t elements, groups;
  std::vector<double> values;
};

// A parameter, row-major rows x columns. A flat array of many parameters (one row) is labelled by
// its layout.
struct CheckedParameter {
  std::string name;
  std::size_t rows, columns;
  std::vector<double> values;
  const ParameterLayout* layout = nullptr;
};

// Numbers of a standard normal, keyed by `key`.
std::vector<double> random_numbers(std::uint64_t key, std::size_t n, double deviation = 1);
CheckedInput random_input(std::string name, std::size_t elements, std::size_t groups,
                          std::uint64_t key, double deviation = 1);
CheckedParameter random_parameter(std::string name, std::size_t rows, std::size_t columns,
                                  std::uint64_t key, double deviation = 1);

using CheckedFunction =
    std::function<Var(Tape<double>&, std::span<const Var>, std::span<const Parameter<double>>)>;

// What is wrong with the gradients of a fixed random combination of the numbers of f's output, by
// every input and parameter; empty when nothing is. A line names the tensor and the element:
// "w(1,2): backward says .., differences say ..".
// Of a large tensor some elements only are checked one by one, all of them together along a random
// direction. Checked as well: gradients of parameters are added to what is there, and an input that
// f uses twice receives both adjoints.
std::vector<std::string> gradient_errors(const CheckedFunction& f,
                                         const std::vector<CheckedInput>& inputs,
                                         const std::vector<CheckedParameter>& parameters = {},
                                         const GradientTolerances& tolerances = {});

// The same as an assertion of the running test.
void expect_gradient(const CheckedFunction& f, const std::vector<CheckedInput>& inputs,
                     const std::vector<CheckedParameter>& parameters = {},
                     const GradientTolerances& tolerances = {});

}  // namespace iflow
