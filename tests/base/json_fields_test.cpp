#include "base/json_fields.h"

#include <doctest/doctest.h>

#include <cstdint>

#include "base/error.h"

namespace iflow {
namespace {

using nlohmann::json;

json parsed(const std::string& text) { return parse_json(text, "c.json", throw_as<UsageError>); }

JsonFields fields_of(const json& object) {
  return JsonFields(object, "c.json", throw_as<UsageError>);
}

TEST_CASE("JsonFields gives values of the types asked for") {
  const json object =
      parsed(R"({"flag": true, "count": 3, "rate": 5e-3, "whole": 2, "name": "moons",
      "sizes": [2, 64, 2], "low": -128, "most": 18446744073709551615, "any": {"x": [null]}})");
  JsonFields fields = fields_of(object);
  CHECK(fields.get<bool>("flag"));
  CHECK(fields.get<int>("count") == 3);
  CHECK(fields.get<double>("rate") == 5e-3);
  CHECK(fields.get<double>("whole") == 2.0);
  CHECK(fields.get<std::string>("name") == "moons");
  CHECK(fields.get<std::vector<int>>("sizes") == std::vector<int>{2, 64, 2});
  CHECK(fields.get<std::int8_t>("low") == -128);
  CHECK(fields.get<std::uint64_t>("most") == UINT64_MAX);
  CHECK(fields.get<json>("any")["x"][0].is_null());
  CHECK(fields.get_or("count", 7) == 3);
  CHECK(fields.get_or("absent", 7) == 7);
  CHECK(fields.has("name"));
  CHECK_FALSE(fields.has("nobody"));
  fields.finish();
}

TEST_CASE("JsonFields names the place of what is missing or of the wrong type") {
  const json object = parsed(R"({"n": -1, "big": 256, "f": 2.5, "s": "abc", "a": [1, "x"],
      "o": {"w": {}}, "huge": 1e300, "long": "0123456789012345678901234567890123456789"})");
  JsonFields fields = fields_of(object);
  const auto check = [](auto read, const char* message) {
    CHECK_THROWS_WITH_AS(read(), message, UsageError);
  };
  check([&] { fields.get<int>("m"); }, "c.json: m: missing");
  check([&] { fields.get<std::uint8_t>("n"); },
        "c.json: n: expected an integer from 0 to 255, got -1");
  check([&] { fields.get<std::uint8_t>("big"); },
        "c.json: big: expected an integer from 0 to 255, got 256");
  check([&] { fields.get<std::uint8_t>("f"); },
        "c.json: f: expected an integer from 0 to 255, got 2.5");
  check([&] { fields.get<bool>("n"); }, "c.json: n: expected true or false, got -1");
  check([&] { fields.get<double>("s"); }, "c.json: s: expected a number, got \"abc\"");
  check([&] { fields.get<float>("huge"); }, "c.json: huge: expected a smaller number, got 1e+300");
  check([&] { fields.get<std::string>("f"); }, "c.json: f: expected a string, got 2.5");
  check([&] { fields.get<std::vector<double>>("a"); },
        "c.json: a[1]: expected a number, got \"x\"");
  check([&] { fields.get<std::vector<double>>("s"); }, "c.json: s: expected an array, got \"abc\"");
  check([&] { fields.get<bool>("long"); },
        "c.json: long: expected true or false, got \"012345678901234567890123456789012345678...");
  check([&] { fields.object("a"); }, "c.json: a: expected an object, got an array");
  check([&] { fields.objects("a"); }, "c.json: a[0]: expected an object, got 1");
  check([&] { fields.objects("o"); }, "c.json: o: expected an array, got an object");
  check([&] { fields.object("o").get<int>("w"); },
        "c.json: o.w: expected an integer from -2147483648 to 2147483647, got an object");
  check([&] { fields.fail("f", "must be in (0, 1)"); }, "c.json: f: must be in (0, 1)");
  const json list = json::array();
  check([&] { fields_of(list); }, "c.json: expected an object, got an array");
}

TEST_CASE("JsonFields follows nested objects and arrays of objects") {
  const json object =
      parsed(R"({"flow": {"blocks": [{"width": 32}, {"width": "x", "extra": 1}]}})");
  JsonFields fields = fields_of(object);
  std::vector<JsonFields> blocks = fields.object("flow").objects("blocks");
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].get<int>("width") == 32);
  blocks[0].finish();
  CHECK_THROWS_WITH_AS(blocks[1].get<std::vector<int>>("width"),
                       "c.json: flow.blocks[1].width: expected an array, got \"x\"", UsageError);
  CHECK_THROWS_WITH_AS(blocks[1].finish(),
                       "c.json: flow.blocks[1].extra: unknown key; the nearest is \"width\"",
                       UsageError);
}

TEST_CASE("JsonFields throws for unknown keys and names the nearest") {
  const json object = parsed(R"({"activaton": "sine"})");
  JsonFields fields = fields_of(object);
  CHECK_THROWS_WITH_AS(fields.finish(), "c.json: activaton: unknown key", UsageError);
  fields.get_or<std::string>("activation", "sine");
  fields.get_or("steps", 5);
  CHECK_THROWS_WITH_AS(fields.finish(),
                       "c.json: activaton: unknown key; the nearest is \"activation\"", UsageError);
}

TEST_CASE("the caller chooses the error") {
  const json object = json::object();
  JsonFields fields(object, "m/model.json", throw_as<CheckpointError>);
  CHECK_THROWS_WITH_AS(fields.get<int>("x"), "m/model.json: x: missing", CheckpointError);
}

TEST_CASE("parse_json gives line and column of malformed text") {
  CHECK_THROWS_WITH_AS(parsed("{\"a\": 1,\n \"b\": ]}"),
                       doctest::Contains("c.json: malformed JSON: parse error at line 2, column 7"),
                       UsageError);
  CHECK_THROWS_WITH_AS(parsed(""), doctest::Contains("line 1, column 1"), UsageError);
  CHECK_THROWS_WITH_AS(parsed("{} x"), doctest::Contains("line 1, column 4"), UsageError);
  CHECK_THROWS_WITH_AS(parsed("{\"a\": 1e400}"),
                       doctest::Contains("c.json: malformed JSON: number"), UsageError);
  CHECK_THROWS_AS(parsed("{\"a\": \"\xff\"}"), UsageError);
  CHECK_THROWS_AS(parsed("{\"a\": NaN}"), UsageError);
}

TEST_CASE("parse_json refuses duplicate keys, in one object only") {
  CHECK_THROWS_WITH_AS(parsed(R"({"b": [{"a": 1, "c": 2, "a": 1}]})"),
                       "c.json: malformed JSON: the key \"a\" appears twice in one object",
                       UsageError);
  CHECK(parsed(R"({"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]})")["b"][1]["a"] == 3);
}

TEST_CASE("parse_json refuses deep nesting") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  CHECK(parsed(nested(kMaxJsonDepth)).is_array());
  CHECK_THROWS_WITH_AS(parsed(nested(kMaxJsonDepth + 1)), doctest::Contains("nested deeper"),
                       UsageError);
  CHECK_THROWS_AS(parsed(std::string(1'000'000, '[')), UsageError);
}

}  // namespace
}  // namespace iflow
