#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/moons_model.h"

namespace iflow::test {
namespace {

TEST_CASE("sample: the first rows are the same for every N, chunk and number of threads") {
  const std::string many = output_of("iflow sample moons.iflow -n 9000");
  CHECK(many.starts_with("x1,x2\n"));
  CHECK(lines_of(many).size() == 9001);
  for (const char* n : {"1", "17", "8500"}) {
    const std::string few = output_of(std::string("iflow sample moons.iflow -n ") + n);
    CHECK(many.starts_with(few));
    CHECK(lines_of(few).size() == std::stoul(n) + 1);
  }
  CHECK(output_of("iflow sample moons.iflow -n 9000 --threads 1") == many);
  CHECK(output_of("iflow sample moons.iflow -n 9000 --threads 2") == many);
  CHECK(output_of("iflow sample moons.iflow -n 9000 --seed 1") != many);
}

TEST_CASE("sample: encoding a sample gives normally distributed rows") {
  const auto report = nlohmann::json::parse(
      output_of("iflow sample moons.iflow -n 20000 | iflow eval moons.iflow - --json"));
  REQUIRE(report.at("latent").size() == 2);
  for (const auto& z : report.at("latent")) {
    CHECK(std::abs(z.at("mean").get<double>()) < 4 / std::sqrt(20000.0));
    CHECK(std::abs(z.at("standard_deviation").get<double>() - 1) < 4 / std::sqrt(40000.0));
    // 1.95 / sqrt(n) is exceeded with a chance of 0.1 %.
    CHECK(z.at("ks_distance").get<double>() < 1.95 / std::sqrt(20000.0));
  }
}

TEST_CASE("sample: the temperature scales the latent rows") {
  const auto cold = numbers_of(
      output_of("iflow sample moons.iflow -n 5 --temperature 0.5 | iflow encode moons.iflow"));
  const auto warm =
      numbers_of(output_of("iflow sample moons.iflow -n 5 | iflow encode moons.iflow"));
  REQUIRE(cold.size() == 5);
  REQUIRE(warm.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 2; ++j) CHECK(std::abs(cold[i][j] - warm[i][j] / 2) < 1e-6);
  }
  const auto frozen = lines_of(output_of("iflow sample moons.iflow -n 3 --temperature 0"));
  REQUIRE(frozen.size() == 4);
  CHECK(frozen[1] == frozen[3]);
}

TEST_CASE("sample: files and formats") {
  const std::string csv = output_of("iflow sample moons.iflow -n 100");
  output_of("iflow sample moons.iflow -n 100 -o sample.csv");
  output_of("iflow sample moons.iflow -n 100 -o sample.npy");
  output_of("iflow sample moons.iflow -n 100 -o sample.tsv");
  CHECK(moons_folder().read("sample.csv") == csv);
  CHECK(moons_folder().read("sample.npy").size() % 64 == 100 * 2 * 8 % 64);
  CHECK(moons_folder().read("sample.tsv").starts_with("x1\tx2\n"));
  const std::string log_p = output_of("iflow logprob moons.iflow sample.csv");
  CHECK(log_p == "logprob\n" + output_of("iflow logprob moons.iflow sample.npy"));
  CHECK(log_p == output_of("iflow logprob moons.iflow sample.tsv"));
  const auto objects = lines_of(output_of("iflow sample moons.iflow -n 2 --json"));
  REQUIRE(objects.size() == 2);
  CHECK(nlohmann::json::parse(objects[1]).at("x2") == numbers_of(csv)[1][1]);
}

TEST_CASE("sample: a header exactly when the training data had one") {
  const ProcessResult fit = in_moons_folder(
      "tail -n +2 moons.csv | head -50 > bare_moons.csv &&"
      "iflow fit bare_moons.csv --blocks 1 --hidden 4 --steps 5");
  REQUIRE_MESSAGE(fit.exit_code == 0, fit.err);
  CHECK(lines_of(output_of("iflow sample bare_moons.iflow -n 3")).size() == 3);
}

TEST_CASE("sample: a tolerance that can't be met ends with 5, the output is written") {
  const ProcessResult r = in_moons_folder("iflow sample moons.iflow -n 20 --tol 1e-30");
  CHECK(r.exit_code == 5);
  CHECK(contains(r.err, "did not converge to --tol 1e-30"));
  const auto rows = numbers_of(r.out);
  const auto good = numbers_of(output_of("iflow sample moons.iflow -n 20 --tol 1e-12"));
  REQUIRE(rows.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    for (std::size_t j = 0; j < 2; ++j) CHECK(std::abs(rows[i][j] - good[i][j]) < 1e-9);
  }
}

TEST_CASE("sample: exit codes") {
  const auto exit_code = [](const std::string& script) {
    return in_moons_folder(script).exit_code;
  };
  CHECK(exit_code("iflow sample moons.iflow") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 0") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 1.5") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 5 --tol 0") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 5 --tol nan") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 5 --temperature -1") == 2);
  CHECK(exit_code("iflow sample moons.iflow -n 5 -o x.npy --json") == 2);
  CHECK(exit_code("iflow sample none.iflow -n 5") == 4);
  CHECK(exit_code("iflow sample moons.iflow -n 5 -o no/where.csv") == 1);
  CHECK(exit_code("iflow sample moons.iflow -n 5 > /dev/full") == 1);
}

}  // namespace
}  // namespace iflow::test
