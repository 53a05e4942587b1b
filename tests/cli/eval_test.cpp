#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>

#include "base/mean_and_error.h"
#include "cli/moons_model.h"

namespace iflow::test {
namespace {

using nlohmann::json;

json evaluate(const std::string& arguments) {
  return json::parse(output_of("iflow eval moons.iflow " + arguments + " --json"));
}

// ln N(x; mean, covariance) in two dimensions, written out.
double log_gaussian(const json& gaussian, const std::vector<double>& x) {
  const auto mean = gaussian.at("mean").get<std::vector<double>>();
  const auto c = gaussian.at("covariance").get<std::vector<double>>();
  const double det = c[0] * c[3] - c[1] * c[2];
  const double u = x[0] - mean[0], v = x[1] - mean[1];
  const double distance = (c[3] * u * u - 2 * c[1] * u * v + c[0] * v * v) / det;
  return -std::log(2 * std::numbers::pi) - 0.5 * std::log(det) - 0.5 * distance;
}

TEST_CASE("eval: likelihoods and their difference are those of the rows") {
  const json report = evaluate("heldout.csv");
  CHECK(report.at("rows") == 500);
  CHECK(report.at("dropped") == 0);
  const auto log_p = column_of(numbers_of(output_of("iflow logprob moons.iflow heldout.csv")), 0);
  const json gaussian = json::parse(output_of("iflow info moons.iflow --json")).at("gaussian");
  std::vector<double> log_g, difference;
  const auto rows = numbers_of(moons_folder().read("heldout.csv"));
  REQUIRE(log_p.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    log_g.push_back(log_gaussian(gaussian, rows[i]));
    difference.push_back(log_p[i] - log_g[i]);
  }
  const auto expect = [](const json& found, const std::vector<double>& values) {
    const MeanAndError expected = mean_and_error(values);
    CHECK(found.at("nats").get<double>() == doctest::Approx(expected.mean).epsilon(1e-10));
    CHECK(found.at("nats_se").get<double>() ==
          doctest::Approx(expected.standard_error).epsilon(1e-9));
    const double bits = 1 / (2 * std::numbers::ln2);
    CHECK(found.at("bits_per_dim").get<double>() ==
          doctest::Approx(-expected.mean * bits).epsilon(1e-10));
    CHECK(found.at("bits_per_dim_se").get<double>() ==
          doctest::Approx(expected.standard_error * bits).epsilon(1e-9));
  };
  expect(report.at("model"), log_p);
  expect(report.at("gaussian"), log_g);
  expect(report.at("difference"), difference);
  // the same rows, so the two differences tell the baselines apart
  const auto nats = [&](const char* key) { return report.at(key).at("nats").get<double>(); };
  CHECK(nats("model") - nats("mixture") == doctest::Approx(nats("mixture_difference")));
  CHECK(nats("mixture") > nats("gaussian") + 0.3);
  CHECK(report.at("mixture_components").get<int>() > 1);
}

TEST_CASE("eval: how normal z is") {
  const json latent = evaluate("heldout.csv").at("latent");
  const auto z = numbers_of(output_of("iflow encode moons.iflow heldout.csv"));
  REQUIRE(latent.size() == 2);
  const double n = static_cast<double>(z.size());
  for (std::size_t j = 0; j < 2; ++j) {
    std::vector<double> x = column_of(z, j);
    const auto moment = [&](double about, int order) {
      double sum = 0;
      for (const double xi : x) sum += std::pow(xi - about, order);
      return sum / n;
    };
    const double mean = moment(0, 1), m2 = moment(mean, 2);
    CHECK(latent[j].at("column") == "z" + std::to_string(j + 1));
    CHECK(latent[j].at("mean").get<double>() == doctest::Approx(mean));
    CHECK(latent[j].at("standard_deviation").get<double>() ==
          doctest::Approx(std::sqrt(m2 * n / (n - 1))));
    CHECK(latent[j].at("skewness").get<double>() ==
          doctest::Approx(moment(mean, 3) / std::pow(m2, 1.5)));
    CHECK(latent[j].at("excess_kurtosis").get<double>() ==
          doctest::Approx(moment(mean, 4) / (m2 * m2) - 3));
    // The distribution function's largest gap, looked for on either side of every point.
    double gap = 0;
    for (const double xi : x) {
      const double phi = 0.5 * std::erfc(-xi / std::numbers::sqrt2);
      const auto below = std::count_if(x.begin(), x.end(), [&](double v) { return v < xi; });
      const auto upto = std::count_if(x.begin(), x.end(), [&](double v) { return v <= xi; });
      gap = std::max({gap, std::abs(static_cast<double>(below) / n - phi),
                      std::abs(static_cast<double>(upto) / n - phi)});
    }
    CHECK(latent[j].at("ks_distance").get<double>() == doctest::Approx(gap).epsilon(1e-9));
    // The asymptotic value, 1.3581 / sqrt(n), with a correction of under 1 % at this n.
    CHECK(latent[j].at("ks_critical").get<double>() ==
          doctest::Approx(1.3581 / std::sqrt(n)).epsilon(0.01));
  }
}

TEST_CASE("eval --train: a kernel density estimate of these rows, written out") {
  const json report = evaluate("heldout.csv --train moons.csv");
  const auto centres = numbers_of(moons_folder().read("moons.csv"));
  const auto rows = numbers_of(moons_folder().read("heldout.csv"));
  const auto log_p = column_of(numbers_of(output_of("iflow logprob moons.iflow heldout.csv")), 0);
  CHECK(report.at("kde_rows") == centres.size());
  const double n = static_cast<double>(centres.size()), h = report.at("kde_bandwidth");
  std::vector<double> deviation;
  for (std::size_t j = 0; j < 2; ++j) {
    double mean = 0, square = 0;
    for (const auto& row : centres) mean += row[j] / n;
    for (const auto& row : centres) square += (row[j] - mean) * (row[j] - mean) / n;
    deviation.push_back(h * std::sqrt(square));
  }
  std::vector<double> log_kde, difference;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double p = 0;
    for (const auto& centre : centres) {
      const double u = (rows[i][0] - centre[0]) / deviation[0];
      const double v = (rows[i][1] - centre[1]) / deviation[1];
      p += std::exp(-0.5 * (u * u + v * v)) / n;
    }
    log_kde.push_back(std::log(p / (2 * std::numbers::pi * deviation[0] * deviation[1])));
    difference.push_back(log_p[i] - log_kde.back());
  }
  const auto expect = [&](const char* key, const std::vector<double>& values) {
    const MeanAndError expected = mean_and_error(values);
    CHECK(report.at(key).at("nats").get<double>() == doctest::Approx(expected.mean).epsilon(1e-8));
    CHECK(report.at(key).at("nats_se").get<double>() ==
          doctest::Approx(expected.standard_error).epsilon(1e-8));
  };
  expect("kde", log_kde);
  expect("kde_difference", difference);
  // Two moons are no Gaussian, and 2,000 rows are many in two dimensions.
  CHECK(mean_and_error(log_kde).mean > report.at("gaussian").at("nats").get<double>() + 0.5);
  const std::string text = output_of("iflow eval moons.iflow heldout.csv --train moons.csv");
  CHECK(contains(text, "model - KDE"));
  CHECK(contains(text, "KDE: a Gaussian kernel at each of 2,000 training rows; one bandwidth"));
  CHECK(in_moons_folder("iflow eval moons.iflow heldout.csv --train none.csv").exit_code == 3);
  CHECK(in_moons_folder("iflow eval moons.iflow - --train - < heldout.csv").exit_code == 2);
  moons_folder().write("flat.csv", "x1,x2\n0,1\n0,2\n");
  const ProcessResult flat = in_moons_folder("iflow eval moons.iflow heldout.csv --train flat.csv");
  CHECK(flat.exit_code == 3);
  CHECK(contains(flat.err, "flat.csv: column \"x1\" is constant"));
}

TEST_CASE("eval: the probability integral transform of the model's own samples is uniform") {
  int above = 0;
  double mean = 0, deviation = 0;
  constexpr int kSeeds = 20;
  for (int seed = 0; seed < kSeeds; ++seed) {
    output_of("iflow sample moons.iflow -n 400 -o own.csv --seed " + std::to_string(seed));
    const json report = evaluate("own.csv --seed " + std::to_string(seed));
    for (const json& column : report.at("columns")) {
      if (column.at("ks_distance") > column.at("ks_critical").get<double>()) ++above;
      mean += column.at("pit_mean").get<double>() / (2 * kSeeds);
      deviation += column.at("pit_standard_deviation").get<double>() / (2 * kSeeds);
    }
  }
  // 40 trials of a chance of 5 %: more than 8 have a chance of 1e-4.
  CHECK(above <= 8);
  CHECK(mean == doctest::Approx(0.5).epsilon(0.03));
  CHECK(deviation == doctest::Approx(1 / std::sqrt(12.0)).epsilon(0.03));
}

TEST_CASE("eval: the probability integral transform tells which column is wrong, and how") {
  const auto columns_after = [](const std::string& change) {
    in_moons_folder("awk -F, 'NR == 1 {print; next} {" + change +
                    "}' OFS=, heldout.csv > changed.csv");
    return evaluate("changed.csv").at("columns");
  };
  const auto is_wrong = [](const json& column) {
    return column.at("ks_distance").get<double>() > 2 * column.at("ks_critical").get<double>();
  };
  const json right = evaluate("heldout.csv").at("columns");
  CHECK(right[0].at("column") == "x1");
  CHECK_FALSE((is_wrong(right[0]) || is_wrong(right[1])));
  const json shifted = columns_after("print $1 + 1, $2");
  CHECK(is_wrong(shifted[0]));
  CHECK_FALSE(is_wrong(shifted[1]));
  CHECK(shifted[0].at("pit_mean") > 0.6);
  const json narrow = columns_after("print $1, 0.25 + 0.3 * ($2 - 0.25)");
  CHECK_FALSE(is_wrong(narrow[0]));
  CHECK(is_wrong(narrow[1]));
  CHECK(narrow[1].at("pit_standard_deviation") < 0.25);
  // One number below all others: u = 0, and the distance of a step at 0 is 1.
  moons_folder().write("low.csv", "x1,x2\n-50,0\n");
  const json low = evaluate("low.csv").at("columns")[0];
  CHECK(low.at("pit_mean") == 0);
  CHECK(low.at("ks_distance") == 1);
}

TEST_CASE("eval: a table to read") {
  const std::string text = output_of("iflow eval moons.iflow heldout.csv");
  const json report = evaluate("heldout.csv");
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 16);
  CHECK(lines[0].starts_with("mean over 500 rows"));
  for (const auto& [line, key] :
       {std::pair(1, "model"), std::pair(2, "gaussian"), std::pair(3, "mixture"),
        std::pair(4, "difference"), std::pair(5, "mixture_difference")}) {
    const double nats = report.at(key).at("nats").get<double>();
    std::vector<char> shown(64);
    std::snprintf(shown.data(), shown.size(), "%.4f ± ", nats);
    CHECK_MESSAGE(contains(lines[static_cast<std::size_t>(line)], shown.data()), text);
  }
  CHECK(lines[8].starts_with("z1"));
  CHECK(lines[12].starts_with("x1"));
  CHECK(lines[15].starts_with("PIT: "));
  CHECK(output_of("iflow eval moons.iflow - < heldout.csv") == text);
  CHECK(output_of("iflow eval moons.iflow heldout.csv --threads 1") == text);
}

TEST_CASE("eval: what a single row can't tell is NA or null") {
  moons_folder().write("single.csv", "x1,x2\n0,0.5\n");
  CHECK(contains(output_of("iflow eval moons.iflow single.csv"), "± NA"));
  const json report = evaluate("single.csv");
  CHECK(report.at("model").at("nats").is_number());
  CHECK(report.at("model").at("nats_se").is_null());
  CHECK(report.at("latent")[0].at("standard_deviation").is_null());
}

TEST_CASE("eval: dropped rows, infinite densities, exit codes") {
  moons_folder().write("gaps.csv", "x1,x2\n0,0.5\nNA,1\n1,0\n");
  const ProcessResult r = in_moons_folder("iflow eval moons.iflow gaps.csv --na drop --json");
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "dropped 1 of 3 rows"));
  CHECK(json::parse(r.out).at("rows") == 2);
  CHECK(json::parse(r.out).at("dropped") == 1);
  moons_folder().write("distant.csv", "x1,x2\n0,0.5\n1e200,0\n");
  const ProcessResult far = in_moons_folder("iflow eval moons.iflow distant.csv");
  CHECK(far.exit_code == 0);
  CHECK(contains(far.out, "-inf ± NA"));
  CHECK(contains(far.err, "1 row has an infinite log-density"));
  moons_folder().write("nothing.csv", "x1,x2\nNA,1\n");
  CHECK(in_moons_folder("iflow eval moons.iflow nothing.csv --na drop").exit_code == 3);
  CHECK(in_moons_folder("iflow eval moons.iflow gaps.csv").exit_code == 3);
  CHECK(in_moons_folder("iflow eval moons.iflow none.csv").exit_code == 3);
  CHECK(in_moons_folder("iflow eval none.iflow heldout.csv").exit_code == 4);
  CHECK(in_moons_folder("iflow eval").exit_code == 2);
  CHECK(in_moons_folder("iflow eval moons.iflow heldout.csv --keep x1").exit_code == 2);
  CHECK(in_moons_folder("iflow eval moons.iflow heldout.csv > /dev/full").exit_code == 1);
}

}  // namespace
}  // namespace iflow::test
