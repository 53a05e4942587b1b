#include "density_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "inversion.h"
#include "number_checks.h"
#include "options.h"
#include "report/number_format.h"
#include "screen.h"

namespace iflow {

namespace {

CLI::Validator positive() {
  return number_where("a number above 0", [](double x) { return x > 0; });
}

// The options that a chosen method has no use for.
void reject(const CLI::App& command, const std::string& why,
            const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (command.count(name) > 0) throw UsageError(name + ": " + why);
  }
}

}  // namespace

void add_density_options(CLI::App& command, DensityOptions& options) {
  constexpr const char* kGroup = "Log-determinant";
  LogDetOptions& estimate = options.estimate;
  command
      .add_option_function<std::string>(
          "--logdet",
          [&options](const std::string& name) {
            if (name != "auto") options.method = log_det_methods().at(name);
          },
          "auto (exact up to " + std::to_string(kMostExactColumns) +
              " columns, else series), exact, series or roulette")
      ->check(auto_or_name(log_det_methods()))
      ->type_name("METHOD")
      ->group(kGroup);
  command
      .add_option_function<std::string>(
          "--terms",
          [&estimate](const std::string& text) {
            estimate.terms.reset();
            if (text != "auto") estimate.terms = std::stoull(text);
          },
          "Series: its terms, or auto: as many as --max-bound needs. Roulette: the terms in front "
          "of the random ones (default 8)")
      ->check(auto_or_count_up_to(100000))
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--probes", estimate.probes, "Random probes of every row (default 16)")
      ->check(count_up_to(1U << 20U))
      ->type_name("N")
      ->group(kGroup);
  add_choice_option(command, "--probe", estimate.probe, probe_kinds(),
                    "rademacher (default), gaussian, or unit: all unit vectors, whose traces are "
                    "exact")
      ->type_name("KIND")
      ->group(kGroup);
  command
      .add_option_function<double>(
          "--continuation",
          [&estimate](double chance) {
            estimate.tail = RouletteTail::kGeometric;
            estimate.continuation = chance;
          },
          "Roulette: the chance of each further term (default: the block's Lipschitz bound)")
      ->check(number_where("a number between 0 and 1", [](double x) { return x > 0 && x < 1; }))
      ->type_name("Q")
      ->group(kGroup);
  command
      .add_option("--max-se", estimate.max_standard_error,
                  "As many probes as this standard error of a row needs, by a pilot run; in nats")
      ->check(positive())
      ->excludes("--probes")
      ->type_name("SE")
      ->group(kGroup);
  command
      .add_option("--max-bound", options.max_bound,
                  "Series: largest truncation error of a row, in nats (default 0.001; of images, "
                  "0.0002 bits per dimension)")
      ->check(positive())
      ->type_name("BOUND")
      ->group(kGroup);
  command
      .add_option("--draws", options.draws,
                  "How often every row's integers are spread over their steps (default 16)")
      ->check(number_where(
          "a count of at least 2",
          [](double n) { return n >= 2 && n <= double{1U << 20U} && n == std::floor(n); }))
      ->type_name("N");
  command
      .add_option("--first-row", options.first_row,
                  "Number of the first input row, from 0, for an input that was split")
      ->check(whole_number())
      ->type_name("K")
      ->group(kGroup);
  add_seed_option(command, options.seed);
}

void settle_density(const CLI::App& command, DensityOptions& options) {
  options.probes_given = command.count("--probes") > 0;
  LogDetOptions& estimate = options.estimate;
  if (options.method == LogDetMethod::kExact) {
    reject(command, "an exact log-determinant has none",
           {"--terms", "--probes", "--probe", "--continuation", "--max-se", "--max-bound"});
  }
  if (options.method == LogDetMethod::kRoulette) {
    constexpr std::size_t kRouletteTerms = 8;
    if (!estimate.terms) estimate.terms = kRouletteTerms;
    reject(command, "roulette leaves nothing out", {"--max-bound"});
  } else {
    reject(command, "only --logdet roulette has it", {"--continuation"});
  }
  if (estimate.terms && options.method != LogDetMethod::kRoulette) {
    reject(command, "the number of --terms is fixed", {"--max-bound"});
    options.max_bound = std::numeric_limits<double>::infinity();
  }
  if (estimate.probe == ProbeKind::kUnit) {
    reject(command, "--probe unit takes as many as there are columns", {"--probes", "--max-se"});
  } else if (estimate.probes < 2) {
    throw UsageError("--probes: a standard error needs at least 2");
  }
}

void warn_of_missed(const MissedPromises& missed) {
  Screen screen(false);
  if (missed.standard_errors > 0) {
    screen.warn(with_commas(missed.standard_errors) + " rows have a standard error above --max-se");
  }
  if (missed.bounds > 0) {
    screen.warn(with_commas(missed.bounds) + " rows have a truncation bound above --max-bound");
  }
  if (missed.standard_errors + missed.bounds > 0) throw CLI::RuntimeError(kPromiseMissed);
}

}  // namespace iflow
