#include "eval_report.h"

#include "model/normality.h"
#include "report/number_format.h"
#include "report/text_table.h"

namespace iflow {
namespace {

using nlohmann::json;

std::string likelihoods_text(const Evaluation& e) {
  std::vector<std::vector<std::string>> lines;
  const auto add = [&](const std::string& name, const MeanAndError& log_p) {
    lines.push_back(
        {name, with_error(log_p), with_error(bits_per_dimension(log_p, e.columns.size()))});
  };
  add("model", e.model);
  for (const Comparison& c : e.comparisons) add(c.name, c.log_density);
  for (const Comparison& c : e.comparisons) {
    add("model - " + c.name.substr(0, c.name.find(' ')), c.gain);
  }
  return format_text_table(
      {"mean over " + with_commas(e.rows()) + (e.rows() == 1 ? " row" : " rows"),
       "log-likelihood, nats", "bits/dim"},
      lines);
}

std::string latent_text(const Evaluation& e) {
  std::vector<std::vector<std::string>> lines;
  const std::vector<std::string> names = latent_names(e.z.size());
  for (std::size_t j = 0; j < e.z.size(); ++j) {
    const Normality z = normality(e.z[j]);
    const double critical = ks_critical(static_cast<double>(e.z[j].size()));
    lines.push_back({names[j], fixed_point(z.mean), fixed_point(z.deviation),
                     fixed_point(z.skewness), fixed_point(z.excess_kurtosis),
                     fixed_point(z.ks_distance), fixed_point(critical)});
  }
  return format_text_table(
      {"latent", "mean", "std. dev.", "skewness", "excess kurtosis", "KS distance", "5 % critical"},
      lines);
}

std::string marginals_text(const Evaluation& e) {
  std::vector<std::vector<std::string>> lines;
  for (std::size_t j = 0; j < e.columns.size(); ++j) {
    const MarginalFit& u = e.marginals.columns[j];
    lines.push_back({e.columns[j], fixed_point(u.mean), fixed_point(u.deviation),
                     fixed_point(u.ks_distance), fixed_point(u.ks_critical)});
  }
  return format_text_table({"column", "PIT mean", "std. dev.", "KS distance", "5 % critical"},
                           lines);
}

json latent_json(const Evaluation& e) {
  json latent = json::array();
  const std::vector<std::string> names = latent_names(e.z.size());
  for (std::size_t j = 0; j < e.z.size(); ++j) {
    const Normality z = normality(e.z[j]);
    latent.push_back({{"column", names[j]},
                      {"mean", z.mean},
                      {"standard_deviation", z.deviation},
                      {"skewness", z.skewness},
                      {"excess_kurtosis", z.excess_kurtosis},
                      {"ks_distance", z.ks_distance},
                      {"ks_critical", ks_critical(static_cast<double>(e.z[j].size()))}});
  }
  return latent;
}

json marginals_json(const Evaluation& e) {
  json marginals = json::array();
  for (std::size_t j = 0; j < e.columns.size(); ++j) {
    const MarginalFit& u = e.marginals.columns[j];
    marginals.push_back({{"column", e.columns[j]},
                         {"pit_mean", u.mean},
                         {"pit_standard_deviation", u.deviation},
                         {"ks_distance", u.ks_distance},
                         {"ks_critical", u.ks_critical}});
  }
  return marginals;
}

}  // namespace

std::string evaluation_text(const Evaluation& e) {
  std::string text = likelihoods_text(e) + "\n" + latent_text(e) + "\n" + marginals_text(e);
  for (const std::string& note : e.notes) text += "\n" + note + "\n";
  return text;
}

json likelihood_json(const MeanAndError& log_p, std::size_t dimension) {
  const MeanAndError bits = bits_per_dimension(log_p, dimension);
  return {{"nats", log_p.mean},
          {"nats_se", log_p.standard_error},
          {"bits_per_dim", bits.mean},
          {"bits_per_dim_se", bits.standard_error}};
}

json evaluation_json(const Evaluation& e) {
  const std::size_t d = e.columns.size();
  json result = {{"rows", e.rows()},
                 {"dropped", e.counts.dropped},
                 {"infinite", e.infinite},
                 {"draws", e.draws},
                 {"model", likelihood_json(e.model, d)},
                 {"latent", latent_json(e)},
                 {"columns", marginals_json(e)},
                 {"notes", e.notes}};
  for (const Comparison& c : e.comparisons) {
    result[c.key] = likelihood_json(c.log_density, d);
    result[c.difference_key] = likelihood_json(c.gain, d);
  }
  return result;
}

const char* const kEvaluationFields =
    "an object\n"
    "  rows, dropped, infinite      rows used; left out for missing values; of density zero\n"
    "  draws                        with integer columns: how often each row's were spread\n"
    "                               over their steps, the likelihoods averaged; else 0\n"
    "  model, gaussian, difference  nats (mean log-likelihood per row), nats_se,\n"
    "                               bits_per_dim, bits_per_dim_se; the difference is taken row\n"
    "                               by row\n"
    "  mixture, mixture_difference, mixture_components\n"
    "                               the same for a mixture of Gaussians, and their number\n"
    "  kde, kde_difference          with --train: the same for a kernel density estimate;\n"
    "  kde_bandwidth, kde_rows      its bandwidth in standard deviations, and its kernels\n"
    "  latent                       for each column of z: column, mean, standard_deviation,\n"
    "                               skewness, excess_kurtosis, ks_distance (Kolmogorov-Smirnov,\n"
    "                               to N(0, 1)), ks_critical (its 5 % critical value)\n"
    "  columns                      for each column, how uniform the probability integral\n"
    "                               transform u by the model is: column, pit_mean,\n"
    "                               pit_standard_deviation (of u), ks_distance, ks_critical\n"
    "  notes                        how it was measured, in words\n"
    "  Undefined and infinite numbers are null.";

}  // namespace iflow
