#include "density.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/rng.h"
#include "integer_columns.h"
#include "number_checks.h"
#include "options.h"
#include "report/number_format.h"
#include "screen.h"

namespace iflow {

namespace {

constexpr int kPromiseMissed = 5;

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

Density::Density(const Fit& fit, const Model& model, const DensityOptions& options)
    : model_(model), dequantise_(dequantise_of(fit)), options_(options) {
  constexpr std::size_t kDraws = 16;
  if (options.draws && dequantise_.empty()) {
    throw UsageError("--draws: the model has no integer columns");
  }
  draws_ = dequantise_.empty() ? 0 : options.draws.value_or(kDraws);
  exact_ = options.method ? options.method == LogDetMethod::kExact
                          : model.has_closed_form() || model.dimension() <= kMostExactColumns;
  constexpr double kImageBound = 2e-4;  // bits per dimension
  if (options.max_bound) {
    options_.estimate.max_bound = *options.max_bound;
  } else if (fit.data.image) {
    options_.estimate.max_bound =
        kImageBound * static_cast<double>(model.dimension()) * std::numbers::ln2;
  }
  options_.estimate.method = options.method.value_or(LogDetMethod::kSeries);
  if (options.estimate.probe == ProbeKind::kUnit) options_.estimate.probes = model.dimension();
}

std::vector<std::string> Density::columns() const {
  if (exact_ && draws_ == 0) return {"logprob"};
  return {"logprob", "se", "bound"};
}

std::vector<std::uint64_t> Density::ids_of(const Rows& rows) const {
  std::vector<std::uint64_t> ids(rows.indices.begin(), rows.indices.end());
  for (std::uint64_t& id : ids) id += options_.first_row;
  return ids;
}

std::vector<double> Density::drawn(const Rows& rows, std::size_t draw) const {
  std::vector<double> x(rows.values.begin(), rows.values.end());
  dequantise_.add_noise(x, ids_of(rows), options_.seed, draw);
  return x;
}

std::vector<DensityEstimate> Density::estimate(std::span<const double> x,
                                               std::span<const std::uint64_t> ids,
                                               std::uint64_t seed) const {
  if (!exact_) return model_.estimate_log_density(x, ids, options_.estimate, seed);
  std::vector<DensityEstimate> results;
  for (const double log_p : model_.log_density(x)) results.push_back({log_p, 0, 0});
  return results;
}

// The standard error is that over the draws, in which the probes' is contained.
std::vector<DensityEstimate> Density::average_over_draws(const Rows& rows) const {
  const std::vector<std::uint64_t> ids = ids_of(rows);
  const std::size_t width = model_.row_width(), n = ids.size();
  const auto draws = static_cast<double>(draws_);
  std::vector<DensityEstimate> average(n);
  std::vector<double> squares(n, 0);  // sums of squared distances from the mean (Welford)
  for (std::size_t draw = 0; draw < draws_; ++draw) {
    const std::uint64_t seed = Rng(options_.seed, RngPurpose::kProbe, draw, 4).next_u64();
    const auto estimates = estimate(drawn(rows, draw), ids, seed);
    for (std::size_t i = 0; i < n; ++i) {
      if (std::isinf(average[i].value)) continue;
      const double off = estimates[i].value - average[i].value;
      average[i].value += off / static_cast<double>(draw + 1);
      // One rounding, spelt out: compilers fuse the product and the sum, or not, as they please.
      squares[i] = std::fma(off, estimates[i].value - average[i].value, squares[i]);
      average[i].truncation_bound += estimates[i].truncation_bound / draws;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    average[i].standard_error = std::sqrt(squares[i] / (draws - 1) / draws);
    const auto x = rows.values.subspan(i * width, width);
    // Outside its bounds or off its lattice, a row has probability zero.
    const bool impossible = std::isinf(average[i].value) || dequantise_.off_lattice(x) != nullptr;
    if (impossible) average[i] = {-std::numeric_limits<double>::infinity(), 0, 0};
  }
  return average;
}

std::vector<double> Density::operator()(const Rows& rows) {
  if (exact_ && draws_ == 0) return model_.log_density(rows.values);
  const LogDetOptions& promised = options_.estimate;
  std::vector<double> results;
  for (const DensityEstimate& row :
       draws_ > 0 ? average_over_draws(rows) : estimate(rows.values, ids_of(rows), options_.seed)) {
    results.insert(results.end(), {row.value, row.standard_error, row.truncation_bound});
    if (promised.max_standard_error && row.standard_error > *promised.max_standard_error) {
      ++wide_errors_;
    }
    if (row.truncation_bound > promised.max_bound) ++wide_bounds_;
  }
  return results;
}

void Density::check_promises() const {
  Screen screen(false);
  if (wide_errors_ > 0) {
    screen.warn(with_commas(wide_errors_) + " rows have a standard error above --max-se");
  }
  if (wide_bounds_ > 0) {
    screen.warn(with_commas(wide_bounds_) + " rows have a truncation bound above --max-bound");
  }
  if (wide_errors_ + wide_bounds_ > 0) throw CLI::RuntimeError(kPromiseMissed);
}

}  // namespace iflow
