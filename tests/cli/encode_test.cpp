// encode, decode and invert: the flow, its inverse, and one after the other.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/moons_model.h"

namespace iflow::test {
namespace {

// Standard deviations of the moons' columns, roughly: what errors are measured against.
constexpr double kSpread = 1;

double largest_difference(const std::vector<std::vector<double>>& a,
                          const std::vector<std::vector<double>>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      largest = std::max(largest, std::abs(a[i].at(j) - b[i].at(j)));
    }
  }
  return largest;
}

std::vector<std::vector<double>> heldout() {
  return numbers_of(moons_folder().read("heldout.csv"));
}

TEST_CASE("encode | decode gives every row back") {
  const std::string again =
      output_of("iflow encode moons.iflow heldout.csv | iflow decode moons.iflow -");
  CHECK(again.starts_with("x1,x2\n"));
  CHECK(largest_difference(heldout(), numbers_of(again)) < 1e-6 * kSpread);
  const std::string closer =
      output_of("iflow encode moons.iflow heldout.csv | iflow decode moons.iflow - --tol 1e-12");
  CHECK(largest_difference(heldout(), numbers_of(closer)) < 1e-10 * kSpread);
  CHECK(largest_difference(heldout(), numbers_of(closer)) > 0);  // or nothing was computed
}

TEST_CASE("encode: headers mirror, names and kept columns, threads and splits") {
  const std::string z = output_of("iflow encode moons.iflow heldout.csv");
  CHECK(z.starts_with("z1,z2\n"));
  CHECK(output_of("iflow encode moons.iflow heldout.csv --threads 1") == z);
  CHECK(output_of("iflow encode moons.iflow heldout.csv --threads 2") == z);
  CHECK("z1,z2\n" + output_of("tail -n +2 heldout.csv | split -l 41 --filter="
                              "'iflow encode moons.iflow -'") ==
        z);
  moons_folder().write("kept.csv", "day,x2,x1\nmonday,0.5,-1\n");
  CHECK(contains(output_of("iflow encode moons.iflow kept.csv --keep day"), "z1,z2,day\n"));
  CHECK(output_of("iflow encode moons.iflow kept.csv --keep day | "
                  "iflow decode moons.iflow --keep day")
            .starts_with("x1,x2,day\n-"));
}

TEST_CASE("decode: threads and splits don't change a bit") {
  output_of("iflow encode moons.iflow heldout.csv -o z.csv");
  const std::string x = output_of("iflow decode moons.iflow z.csv --bound");
  CHECK(output_of("iflow decode moons.iflow z.csv --bound --threads 1") == x);
  CHECK(output_of("iflow decode moons.iflow z.csv --bound --threads 2") == x);
  CHECK("x1,x2,bound\n" + output_of("tail -n +2 z.csv | split -l 53 --filter="
                                    "'iflow decode moons.iflow --bound -'") ==
        x);
  // By name: the order of the columns doesn't matter.
  output_of("awk -F, '{print $2 \",\" $1}' z.csv > swapped_z.csv");
  CHECK(output_of("iflow decode moons.iflow swapped_z.csv --bound") == x);
}

TEST_CASE("decode: the measured error keeps within the proved bound") {
  const auto rows = numbers_of(output_of(
      "iflow encode moons.iflow heldout.csv | iflow decode moons.iflow --bound --tol 1e-3"));
  const auto x = heldout();
  REQUIRE(rows.size() == x.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    REQUIRE(rows[i].size() == 3);
    const double error = std::hypot(rows[i][0] - x[i][0], rows[i][1] - x[i][1]);
    CHECK(error <= rows[i][2] + 1e-12);  // what encode rounds is not decode's business
    largest = std::max(largest, error);
  }
  CHECK(largest > 1e-12);  // at this tolerance there is something to bound
}

TEST_CASE("decode: latent columns are asked for by name") {
  const ProcessResult r = in_moons_folder("iflow decode moons.iflow heldout.csv");
  CHECK(r.exit_code == 3);
  CHECK(contains(r.err, "\"z1\", \"z2\""));
}

TEST_CASE("decode: a tolerance that can't be met ends with 5, the output is written") {
  const ProcessResult r =
      in_moons_folder("head -5 z.csv | iflow decode moons.iflow --bound --tol 1e-30");
  CHECK(r.exit_code == 5);
  CHECK(contains(r.err, "did not converge to --tol 1e-30"));
  CHECK(lines_of(r.out).size() == 5);
  CHECK(contains(r.out, ",inf\n"));
}

TEST_CASE("decode: JSON and dropped rows") {
  moons_folder().write("na_z.csv", "z1,z2\n0,0\nNA,1\n");
  const ProcessResult r = in_moons_folder("iflow decode moons.iflow na_z.csv --na drop --json");
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "dropped 1 of 2 rows"));
  const auto lines = lines_of(r.out);
  REQUIRE(lines.size() == 2);
  CHECK(nlohmann::json::parse(lines[0]).at("x1").is_number());
  CHECK(nlohmann::json::parse(lines[1]) == nlohmann::json{{"x1", nullptr}, {"x2", nullptr}});
}

TEST_CASE("invert: the reconstruction of encode | decode, and a report") {
  const ProcessResult r = in_moons_folder("iflow invert moons.iflow heldout.csv -o again.csv");
  CHECK(r.exit_code == 0);
  CHECK(r.out == "");
  CHECK(moons_folder().read("again.csv") ==
        output_of("iflow encode moons.iflow heldout.csv | iflow decode moons.iflow"));
  CHECK(contains(r.err, "flow.2"));
  CHECK(contains(r.err, "unconverged rows: 0 of 500"));
  CHECK(output_of("iflow invert moons.iflow heldout.csv --quiet") ==
        moons_folder().read("again.csv"));
  CHECK(output_of("iflow invert moons.iflow heldout.csv --quiet --threads 1") ==
        moons_folder().read("again.csv"));
}

TEST_CASE("invert: the JSON report agrees with the rows") {
  const auto report =
      nlohmann::json::parse(output_of("iflow invert moons.iflow heldout.csv -o again.csv --json"));
  CHECK(report.at("rows") == 500);
  CHECK(report.at("unconverged") == 0);
  REQUIRE(report.at("blocks").size() == 6);
  for (const auto& block : report.at("blocks")) {
    CHECK(block.at("lipschitz_bound").get<double>() < 1);
    CHECK(block.at("mean_evaluations").get<double>() >= 1);
    CHECK(block.at("max_evaluations").get<double>() >= block.at("mean_evaluations").get<double>());
  }
  const auto x = heldout();
  const auto again = numbers_of(moons_folder().read("again.csv"));
  REQUIRE(report.at("columns").size() == 2);
  for (std::size_t j = 0; j < 2; ++j) {
    double largest = 0, sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = std::abs(x[i][j] - again[i][j]);
      largest = std::max(largest, error);
      sum += error;
    }
    CHECK(report.at("columns")[j].at("max_error") == largest);
    CHECK(report.at("columns")[j].at("mean_error").get<double>() ==
          doctest::Approx(sum / 500).epsilon(1e-12));
  }
  const auto bounds = column_of(numbers_of(output_of("iflow decode moons.iflow z.csv --bound")), 2);
  CHECK(report.at("largest_bound") == *std::max_element(bounds.begin(), bounds.end()));
  CHECK(report.at("largest_bound").get<double>() < 1e-6);
  CHECK(report.at("largest_error").get<double>() >= report.at("columns")[0].at("max_error"));
}

TEST_CASE("invert: missed tolerances and wrong command lines") {
  const ProcessResult r =
      in_moons_folder("head -5 heldout.csv | iflow invert moons.iflow - --tol 1e-30 -o out.csv");
  CHECK(r.exit_code == 5);
  CHECK(contains(r.err, " of 4 rows did not converge to --tol 1e-30"));
  CHECK_FALSE(contains(r.err, "unconverged rows: 0 "));
  CHECK(lines_of(moons_folder().read("out.csv")).size() == 5);
  CHECK(in_moons_folder("iflow invert moons.iflow heldout.csv --json").exit_code == 2);
  CHECK(in_moons_folder("iflow invert none.iflow heldout.csv").exit_code == 4);
  CHECK(in_moons_folder("iflow invert moons.iflow none.csv").exit_code == 3);
  CHECK(in_moons_folder("iflow invert moons.iflow heldout.csv > /dev/full").exit_code == 1);
  CHECK(in_moons_folder("iflow encode moons.iflow heldout.csv -o no/z.csv").exit_code == 1);
  CHECK(in_moons_folder("iflow decode moons.iflow z.csv --tol -1").exit_code == 2);
}

}  // namespace
}  // namespace iflow::test
