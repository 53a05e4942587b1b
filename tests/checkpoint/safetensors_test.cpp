#include "checkpoint/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string_view>

namespace iflow {
namespace {

using Bytes = std::vector<std::byte>;

template <class T>
Tensor tensor_of(const std::vector<T>& values, std::vector<std::size_t> shape) {
  return Tensor::from<T>(values, std::move(shape));
}

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A file spelled out by hand: the length of `header`, `header`, `data`.
Bytes file_of(const std::string& header, std::string_view data) {
  std::string text;
  for (int shift = 0; shift < 64; shift += 8) {
    text += static_cast<char>(std::uint64_t{header.size()} >> shift & 0xff);
  }
  return bytes_of(text + header + std::string(data));
}

Tensors decoded(const Bytes& file) { return decode_safetensors(file, "w.st"); }

Tensors small_tensors() {
  return {{"flow.0.log_scale", tensor_of<double>({0.5, -0.0}, {2})},
          {"flow.0.weight", tensor_of<float>({1.0f, -2.5f, 3e-40f}, {1, 3})},
          {"step", tensor_of<std::uint64_t>({UINT64_MAX}, {})}};
}

TEST_CASE("values come back bit for bit, for every type and shape") {
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  const Tensors tensors = {
      {"f32", tensor_of<float>({-0.0f, 1e-45f, 3.4028235e38f}, {3})},
      {"f64", tensor_of<double>({0.1, -0.0, kTiny, 1.7976931348623157e308}, {2, 2})},
      {"i64", tensor_of<std::int64_t>({INT64_MIN, -1, INT64_MAX}, {3, 1})},
      {"u64", tensor_of<std::uint64_t>({0, UINT64_MAX}, {1, 2, 1})},
      {"u8", tensor_of<std::uint8_t>({0, 127, 255}, {3})},
      {"scalar", tensor_of<double>({2.5}, {})},
      {"none", tensor_of<double>({}, {4, 0})},
      {"\"quoted\" \\ \n é", tensor_of<std::uint8_t>({1}, {1})},
  };
  const Tensors again = decoded(encode_safetensors(tensors));
  CHECK(again == tensors);
  CHECK(again.at("i64").as<std::int64_t>() == std::vector<std::int64_t>{INT64_MIN, -1, INT64_MAX});
  CHECK(std::signbit(again.at("f64").as<double>()[1]));
  CHECK(again.at("none").as<double>().empty());
  CHECK(decoded(encode_safetensors({})).empty());
}

// The layout as numpy and PyTorch read it: keys sorted, values of the wide type first, header
// padded with spaces to a multiple of 8.
TEST_CASE("the file is what the format prescribes, byte for byte") {
  const Tensors tensors = {{"b", tensor_of<double>({1.0}, {1})},
                           {"a", tensor_of<float>({1.0f, -2.0f}, {2, 1})}};
  const std::string header = R"({"a":{"data_offsets":[8,16],"dtype":"F32","shape":[2,1]},)"
                             R"("b":{"data_offsets":[0,8],"dtype":"F64","shape":[1]}})";
  using namespace std::string_view_literals;
  const auto data = "\0\0\0\0\0\0\xf0\x3f\0\0\x80\x3f\0\0\0\xc0"sv;
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  REQUIRE(!padding.empty());
  CHECK(text_of(encode_safetensors(tensors)) == text_of(file_of(header + padding, data)));
}

TEST_CASE("values start aligned to their size, however long the names are") {
  for (std::size_t length = 1; length <= 16; ++length) {
    const Tensors tensors = {{std::string(length, 'a'), tensor_of<std::uint8_t>({7}, {1})},
                             {"z", tensor_of<double>({1.5}, {1})}};
    const Bytes file = encode_safetensors(tensors);
    CHECK((file.size() - 1) % 8 == 0);  // the u8 is last
    CHECK(file.back() == std::byte{7});
    CHECK(decoded(file) == tensors);
  }
}

TEST_CASE("a file by another writer is read: other order, metadata, no padding") {
  const Bytes file = file_of(
      R"({"__metadata__": {"format": "pt"},
          "w": {"dtype": "U8", "shape": [2, 1], "data_offsets": [1, 3]},
          "e": {"dtype": "F32", "shape": [0], "data_offsets": [1, 1]},
          "v": {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}})",
      "abc");
  const Tensors expected = {{"e", tensor_of<float>({}, {0})},
                            {"v", tensor_of<std::uint8_t>({'a'}, {})},
                            {"w", tensor_of<std::uint8_t>({'b', 'c'}, {2, 1})}};
  CHECK(decoded(file) == expected);
}

TEST_CASE("what the header claims is checked before it is believed") {
  const auto entry = [](const char* dtype, const char* shape, const char* offsets) {
    return std::string(R"("w":{"dtype":")") + dtype + R"(","shape":)" + shape +
           R"(,"data_offsets":)" + offsets + "}";
  };
  const auto rejects = [](const std::string& header, const char* data, const char* message) {
    CHECK_THROWS_WITH_AS(decoded(file_of(header, data)), doctest::Contains(message),
                         CheckpointError);
  };
  const std::string good = entry("U8", "[2]", "[0,2]");
  CHECK(decoded(file_of("{" + good + "}", "ab")).size() == 1);

  rejects("{" + good + "}", "abc",
          "w.st: the header describes 2 bytes of values, the file holds 3");
  rejects("{" + good + "}", "a", "w.st: the header describes 2 bytes of values, the file holds 1");
  rejects("{" + good + "," + good + "}", "ab", "the key \"w\" appears twice");
  rejects("{" + good, "ab", "w.st: malformed JSON");
  rejects("[]", "", "w.st: expected an object, got an array");
  rejects(R"({"w":1})", "", "w.st: w: expected an object");
  rejects(R"({"w":{}})", "", "w.st: w.dtype: missing");
  rejects("{" + entry("F16", "[1]", "[0,2]") + "}", "ab", "w.dtype: unsupported type \"F16\"");
  rejects("{" + entry("U8", "[-2]", "[0,2]") + "}", "ab", "w.shape[0]: expected an integer");
  rejects("{" + entry("U8", "[2.0]", "[0,2]") + "}", "ab", "w.shape[0]: expected an integer");
  rejects("{" + entry("U8", "2", "[0,2]") + "}", "ab", "w.shape: expected an array");
  rejects("{" + entry("U8", "[3]", "[0,2]") + "}", "ab", "expected 3 bytes for the shape, got 2");
  rejects("{" + entry("U8", "[2]", "[2,0]") + "}", "ab", "expected a begin and an end");
  rejects("{" + entry("U8", "[2]", "[0,2,2]") + "}", "ab", "expected a begin and an end");
  rejects("{" + entry("U8", "[2]", "[1,3]") + "}", "ab", "begins at byte 1, expected 0 (hole)");
  rejects("{" + entry("U8", "[2]", "[0,2]") + R"(,"v":{"dtype":"U8","shape":[1],)" +
              R"("data_offsets":[1,2]}})",
          "ab", "begins at byte 1, expected 2 (overlap)");
  rejects("{" + entry("U8", "[2]", "[0,2]") + R"(,"v":{"dtype":"U8","shape":[2],)" +
              R"("data_offsets":[0,2]}})",
          "ab", "(overlap)");
  rejects(R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"shap":1}})", "ab",
          "w.shap: unknown key; the nearest is \"shape\"");
  // Products and sizes beyond 64 bits, and sizes that are merely absurd.
  rejects("{" + entry("F64", "[4294967296,4294967296]", "[0,0]") + "}", "", "w.shape: too large");
  rejects("{" + entry("F64", "[2305843009213693953]", "[0,8]") + "}", "12345678", "too large");
  rejects("{" + entry("U8", "[18446744073709551615]", "[0,18446744073709551615]") + "}", "",
          "the header describes 18446744073709551615 bytes");
  rejects("{" + entry("U8", "[1152921504606846976]", "[0,1152921504606846976]") + "}", "ab",
          "the header describes 1152921504606846976 bytes");
}

TEST_CASE("the header's length is checked against the file") {
  for (const char byte : {'\x03', '\x7f', '\xff'}) {
    for (std::size_t place = 0; place < 8; ++place) {
      Bytes file = file_of("{}", "");
      file[place] = static_cast<std::byte>(byte);
      CHECK_THROWS_WITH_AS(decoded(file), doctest::Contains("w.st: absurd header length"),
                           CheckpointError);
    }
  }
  CHECK_THROWS_WITH_AS(decoded(bytes_of("1234567")), "w.st: too short for a safetensors file",
                       CheckpointError);
}

TEST_CASE("non-finite values are refused on both ways, with their place") {
  const auto poisoned = [](const std::vector<double>& values) {
    return Tensors{{"good", tensor_of<float>({1.0f}, {1})},
                   {"w", tensor_of<double>(values, {values.size()})}};
  };
  CHECK_THROWS_WITH_AS(encode_safetensors(poisoned({0, 1, std::nan("")})),
                       "tensor w: element 2 is nan", NumericError);
  CHECK_THROWS_WITH_AS(encode_safetensors(poisoned({-INFINITY})), "tensor w: element 0 is -inf",
                       NumericError);
  using namespace std::string_view_literals;
  CHECK_THROWS_WITH_AS(decoded(file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                       "\0\0\0\0\0\0\x80\x7f"sv)),
                       "w.st: tensor w: element 1 is inf", CheckpointError);
  CHECK_THROWS_WITH_AS(decoded(file_of(R"({"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
                                       "\0\0\0\0\0\0\xf8\x7f"sv)),
                       "w.st: tensor w: element 0 is nan", CheckpointError);
}

TEST_CASE("a tensor's bytes, type and shape must agree") {
  CHECK_THROWS_AS(tensor_of<float>({1, 2, 3}, {2}), std::invalid_argument);
  CHECK_THROWS_AS(encode_safetensors({{"w", {Dtype::kF32, {2}, Bytes(4)}}}), std::invalid_argument);
  CHECK_THROWS_AS(encode_safetensors({{"__metadata__", tensor_of<float>({}, {0})}}),
                  std::invalid_argument);
  CHECK_THROWS_WITH_AS(tensor_of<float>({1}, {1}).as<double>(), "a tensor holds F32, expected F64",
                       CheckpointError);
}

// Decodes a damaged file: either a CheckpointError, or tensors as sound as any.
void survive(const Bytes& file) {
  try {
    const Tensors tensors = decoded(file);
    if (decoded(encode_safetensors(tensors)) != tensors) FAIL_CHECK(text_of(file));
  } catch (const CheckpointError& error) {
    if (!std::string_view(error.what()).starts_with("w.st: ")) FAIL_CHECK(error.what());
  } catch (const std::exception& error) {
    FAIL_CHECK(error.what());
  }
}

TEST_CASE("no truncation goes unnoticed") {
  const Bytes file = encode_safetensors(small_tensors());
  for (std::size_t length = 0; length < file.size(); ++length) {
    CAPTURE(length);
    CHECK_THROWS_AS(decoded(Bytes(file.begin(), file.begin() + static_cast<long>(length))),
                    CheckpointError);
  }
}

// Characters that mean something in the header.
constexpr std::string_view kTelling = "0123456789,:[]{}\"e-. FU";

TEST_CASE("a damaged byte is survived: every bit of it flipped, every telling character in it") {
  const Bytes file = encode_safetensors(small_tensors());
  for (std::size_t place = 0; place < file.size(); ++place) {
    Bytes damaged = file;
    for (int bit = 0; bit < 8; ++bit) {
      damaged[place] = file[place] ^ static_cast<std::byte>(1 << bit);
      survive(damaged);
    }
    for (const char character : kTelling) {
      damaged[place] = static_cast<std::byte>(character);
      survive(damaged);
    }
  }
}

TEST_CASE("random damage to several bytes is survived") {
  const Bytes file = encode_safetensors(small_tensors());
  std::mt19937 random(7);
  for (int round = 0; round < 5'000; ++round) {
    Bytes damaged = file;
    for (int change = 0; change < 3; ++change) {
      const char character = kTelling[random() % kTelling.size()];
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<std::byte>(character);
    }
    survive(damaged);
  }
}

}  // namespace
}  // namespace iflow
