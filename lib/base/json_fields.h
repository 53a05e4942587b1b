// Strict reading of JSON written by people or by other builds: config files and model.json.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace iflow {

// Throws the error about a file: throw_as<UsageError> for --config, throw_as<CheckpointError> for a
// checkpoint.
using ThrowError = void (*)(const std::string& message);

template <class E>
[[noreturn]] void throw_as(const std::string& message) {
  throw E(message);
}

// No valid file nests deeper. Functions that recurse over a deeper value could exhaust the stack.
inline constexpr int kMaxJsonDepth = 64;

// Parses `text`. Rejects malformed JSON, duplicate keys and deep nesting. Messages begin
// with `where` and give line and column.
nlohmann::json parse_json(std::string_view text, const std::string& where, ThrowError throw_error);

// The fields of one JSON object. Whatever is missing, of the wrong type or left over is thrown with
// its place, as in `model.json: flow.blocks[3].kind: expected a string, got 3`.
//
//   JsonFields fields(json, "config.json", throw_as<UsageError>);
//   config.steps = fields.get_or("steps", config.steps);
//   config.flow = read_flow_config(fields.object("flow"));
//   fields.finish();
class JsonFields {
 public:
  // Reads `object`, which must outlive this; `file` begins every message.
  JsonFields(const nlohmann::json& object, std::string file, ThrowError throw_error);
  JsonFields(nlohmann::json&& object, std::string file, ThrowError throw_error) = delete;

  bool has(const std::string& key);

  // T: bool, an integer or floating-point type, std::string, nlohmann::json (anything), or a
  // std::vector of these. A number must fit its type; an integer is written without point and
  // exponent.
  template <class T>
  T get(const std::string& key) {
    return convert<T>(at(key), key);
  }

  template <class T>
  T get_or(const std::string& key, T otherwise) {
    return has(key) ? get<T>(key) : std::move(otherwise);
  }

  // A nested object, and an array of them; each is finished by its own reader.
  JsonFields object(const std::string& key);
  std::vector<JsonFields> objects(const std::string& key);

  // Every key, for an object whose keys are data (names of blobs, say). Counts none as read.
  std::vector<std::string> keys() const;

  // Throws for a problem with a value that has the right type: `fail("bound", "must be in (0,
  // 1)")`.
  [[noreturn]] void fail(const std::string& key, const std::string& problem) const;

  // Throws for a key that was not read, naming the most similar one that was.
  void finish() const;

 private:
  JsonFields(const nlohmann::json& object, std::string file, std::string path,
             ThrowError throw_error);

  const nlohmann::json& at(const std::string& key);
  [[noreturn]] void mismatch(const std::string& key, const std::string& expected,
                             const nlohmann::json& found) const;

  template <class T>
  T convert(const nlohmann::json& value, const std::string& key) const;

  const nlohmann::json* object_;
  std::string file_;
  std::string path_;  // from the root to this object, dotted; empty at the root
  ThrowError throw_error_;
  std::set<std::string> known_;
};

namespace detail {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;

template <class T>
bool is_integer(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return std::in_range<T>(value.get<std::uint64_t>());
  return value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
}

template <class T>
std::string integer_range() {
  return "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
         std::to_string(std::numeric_limits<T>::max());
}

}  // namespace detail

template <class T>
T JsonFields::convert(const nlohmann::json& value, const std::string& key) const {
  if constexpr (std::is_same_v<T, nlohmann::json>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) mismatch(key, "true or false", value);
    return value.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (!detail::is_integer<T>(value)) mismatch(key, detail::integer_range<T>(), value);
    return value.get<T>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) mismatch(key, "a number", value);
    const T number = value.get<T>();
    if (!std::isfinite(number)) mismatch(key, "a smaller number", value);
    return number;
  } else if constexpr (detail::kIsVector<T>) {
    if (!value.is_array()) mismatch(key, "an array", value);
    T items;
    items.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      items.push_back(
          convert<typename T::value_type>(value[i], key + "[" + std::to_string(i) + "]"));
    }
    return items;
  } else {
    static_assert(std::is_same_v<T, std::string>, "JsonFields::get: unsupported type");
    if (!value.is_string()) mismatch(key, "a string", value);
    return value.get<std::string>();
  }
}

// The value of the name in field `key`; throws for a name that is not in `names`.
template <class T>
T named_value(JsonFields& fields, const std::string& key, const std::map<std::string, T>& names) {
  const auto found = names.find(fields.get<std::string>(key));
  if (found == names.end()) fields.fail(key, "unknown value");
  return found->second;
}

// The name of a value that is in `names`.
template <class T>
std::string name_of(T value, const std::map<std::string, T>& names) {
  return std::find_if(names.begin(), names.end(),
                      [&](const auto& entry) { return entry.second == value; })
      ->first;
}

}  // namespace iflow
