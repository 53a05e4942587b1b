#include "image_eval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "density_options.h"
#include "eval_report.h"
#include "image_input.h"
#include "model/image_rows.h"
#include "report/number_format.h"
#include "report/text_table.h"
#include "result.h"

namespace iflow {
namespace {

using nlohmann::json;

// Moments of all numbers of all latent images together, about 0 first.
class LatentMoments {
 public:
  void add(std::span<const double> z) {
    for (const double x : z) {
      const double square = x * x;
      n_ += 1;
      sums_[0] += x;
      sums_[1] += square;
      sums_[2] += square * x;
      sums_[3] += square * square;
    }
  }
  double mean() const { return sums_[0] / n_; }
  double deviation() const { return std::sqrt(variance()); }
  double skewness() const {
    const double m = mean();
    return (sums_[2] / n_ - 3 * m * sums_[1] / n_ + 2 * m * m * m) / std::pow(variance(), 1.5);
  }
  double excess_kurtosis() const {
    const double m = mean(), m2 = sums_[1] / n_, m3 = sums_[2] / n_, m4 = sums_[3] / n_;
    const double fourth = m4 - 4 * m * m3 + 6 * m * m * m2 - 3 * m * m * m * m;
    return fourth / (variance() * variance()) - 3;
  }

 private:
  double variance() const { return sums_[1] / n_ - mean() * mean(); }

  double n_ = 0;
  double sums_[4] = {};
};

struct ImageEvaluation {
  std::vector<double> log_p, pixels, difference;  // nats, of every image
  double largest_bound = 0;                       // of the truncation, nats
  double sum_of_bounds = 0;
  LatentMoments latent;
  MissedPromises missed;

  double mean_bound() const { return sum_of_bounds / static_cast<double>(log_p.size()); }
};

MeanAndError summarise(const std::vector<double>& log_p) {
  MeanAndError result = mean_and_error(log_p);
  if (log_p.size() == 1) result.standard_error = std::numeric_limits<double>::quiet_NaN();
  return result;
}

ImageEvaluation measure(ImageReader& reader, const FittedModel& model, const Density& density) {
  ImageEvaluation e;
  for_each_images(reader, [&](const Images& images, const Rows& rows) {
    const std::vector<DensityEstimate> results = density(rows);
    const MissedPromises more = density.missed(results);
    e.missed.standard_errors += more.standard_errors;
    e.missed.bounds += more.bounds;
    for (std::size_t i = 0; i < images.count(); ++i) {
      e.log_p.push_back(results[i].value);
      e.pixels.push_back(log_probability(model.record().pixels, images.image(i)));
      e.difference.push_back(e.log_p.back() - e.pixels.back());
      const double bound = results[i].truncation_bound;
      e.largest_bound = std::max(e.largest_bound, bound);
      e.sum_of_bounds += bound;
    }
    e.latent.add(model.flow().encode(density.drawn(rows, 0)));
  });
  return e;
}

std::string text_of(const ImageEvaluation& e, const Density& density, std::size_t d) {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [name, log_p] : {std::pair{"model", &e.log_p},
                                    {"independent pixels", &e.pixels},
                                    {"model - pixels", &e.difference}}) {
    const MeanAndError mean = summarise(*log_p);
    lines.push_back({name, with_error(mean), with_error(bits_per_dimension(mean, d))});
  }
  return format_text_table({"mean over " + with_commas(e.log_p.size()) +
                                (e.log_p.size() == 1 ? " image" : " images"),
                            "log-likelihood, nats", "bits/dim"},
                           lines) +
         "\ntruncation bound: " + significant(-bits_per_dimension(e.mean_bound(), d)) +
         " bits/dim in the mean, at most " + significant(-bits_per_dimension(e.largest_bound, d)) +
         "\nlatent numbers: mean " + fixed_point(e.latent.mean()) + ", std. dev. " +
         fixed_point(e.latent.deviation()) + ", skewness " + fixed_point(e.latent.skewness()) +
         ", excess kurtosis " + fixed_point(e.latent.excess_kurtosis()) +
         "\nnote: " + measure_of_images(density.draws()) +
         "\nnote: independent pixels are drawn one by one with the frequencies of the training "
         "images' values";
}

json json_of(const ImageEvaluation& e, const Density& density, std::size_t d) {
  return {{"images", e.log_p.size()},
          {"draws", density.draws()},
          {"model", likelihood_json(summarise(e.log_p), d)},
          {"pixels", likelihood_json(summarise(e.pixels), d)},
          {"difference", likelihood_json(summarise(e.difference), d)},
          {"truncation_bound",
           {{"nats", e.mean_bound()},
            {"bits_per_dim", -bits_per_dimension(e.mean_bound(), d)},
            {"largest_nats", e.largest_bound},
            {"largest_bits_per_dim", -bits_per_dimension(e.largest_bound, d)}}},
          {"latent",
           {{"mean", e.latent.mean()},
            {"standard_deviation", e.latent.deviation()},
            {"skewness", e.latent.skewness()},
            {"excess_kurtosis", e.latent.excess_kurtosis()}}}};
}

}  // namespace

const char* const kImageEvaluationFields =
    "For a model of images\n"
    "  images, draws                how many there were; how often each was dequantised\n"
    "  model, pixels, difference    as above; pixels: each drawn by itself from the frequencies\n"
    "                               of the training images' values\n"
    "  truncation_bound             of the log-determinants' series, averaged over the images:\n"
    "                               nats, bits_per_dim; largest_nats, largest_bits_per_dim\n"
    "  latent                       of all numbers of all z: mean, standard_deviation, skewness,\n"
    "                               excess_kurtosis";

void evaluate_images(const RowInput& input, const std::string& checkpoint, const FittedModel& model,
                     const DensityOptions& options, bool json) {
  ImageReader reader = open_images(input, model.record(), checkpoint);
  const Density density = model.density(options);
  const ImageEvaluation e = measure(reader, model, density);
  if (json) {
    print_result(json_of(e, density, model.dimension()));
  } else {
    print_result(text_of(e, density, model.dimension()));
  }
  warn_of_missed(e.missed);
}

}  // namespace iflow
