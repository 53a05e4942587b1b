#include "inversion.h"

#include <CLI/CLI.hpp>
#include <string>

#include "number_checks.h"
#include "report/number_format.h"
#include "screen.h"

namespace iflow {

void add_tolerance_option(CLI::App& command, InverseOptions& inverse) {
  command
      .add_option("--tol", inverse.tolerance,
                  "Largest proved error of inverting a block, in standardised units; missing it "
                  "is exit code 5")
      ->check(number_where("a number above 0, at most 1", [](double e) { return e > 0 && e <= 1; }))
      ->type_name("E")
      ->capture_default_str();
}

void finish_inversion(std::size_t unconverged, std::size_t rows, const InverseOptions& inverse) {
  if (unconverged == 0) return;
  Screen(false).warn(std::to_string(unconverged) + " of " + std::to_string(rows) +
                     (rows == 1 ? " row" : " rows") + " did not converge to --tol " +
                     significant(inverse.tolerance));
  throw CLI::RuntimeError(kPromiseMissed);
}

}  // namespace iflow
