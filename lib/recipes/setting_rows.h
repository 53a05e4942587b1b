// What the rows of the table of settings are made of: a setting's words, and the field of Settings
// that holds its value.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "data/image_options.h"
#include "data/number_text.h"
#include "recipes/setting.h"

namespace iflow::detail {

using nlohmann::json;

// What a list or an optional field consists of.
template <class T>
struct Item {
  using Type = T;
};
template <class T>
struct Item<std::vector<T>> {
  using Type = T;
};
template <class T>
struct Item<std::optional<T>> {
  using Type = T;
};

// The type of the field that `Field`, a function, finds in Settings.
template <class Field>
using TypeOf = std::remove_cvref_t<std::invoke_result_t<Field, Settings&>>;

template <class T>
inline constexpr bool kIsOptional = std::is_same_v<T, std::optional<typename Item<T>::Type>>;

// A value from text that was checked.
template <class T>
json read_text(const std::string& text) {
  if constexpr (std::is_same_v<T, std::string>) {
    return text;
  } else if constexpr (std::is_integral_v<T>) {
    std::uint64_t n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  } else {
    static_assert(std::is_same_v<T, double>);
    double value = 0;
    parse_number(text, value);
    return value;
  }
}

template <class Field>
Setting with_field(Setting s, Field field) {
  s.copy = [field](const Settings& from, Settings& to) { field(to) = field(from); };
  return s;
}

// A setting whose value stands in `field` as it is: a number, a text, a flag, a list. One that may
// be undecided is null then.
template <class Field>
Setting plain(Setting words, Field field) {
  using T = TypeOf<Field>;
  Setting s = with_field(std::move(words), field);
  s.is_list = detail::kIsVector<T>;
  if constexpr (!std::is_same_v<T, bool>) s.read = read_text<typename Item<T>::Type>;
  if constexpr (kIsOptional<T>) {
    s.get = [field](const Settings& all) { return field(all) ? json(*field(all)) : json(); };
    s.set = [field, name = s.name](JsonFields& fields, Settings& all) {
      const bool is_null = fields.get<json>(name).is_null();
      field(all) = is_null ? T() : fields.get<typename Item<T>::Type>(name);
    };
  } else {
    s.get = [field](const Settings& all) { return json(field(all)); };
    s.set = [field, name = s.name](JsonFields& fields, Settings& all) {
      field(all) = fields.get<T>(name);
    };
  }
  return s;
}

// One whose value is one of `names`, which outlives it; null where it has none of them.
template <class T, class Field>
Setting choice(Setting words, const std::map<std::string, T>& names, Field field) {
  Setting s = with_field(std::move(words), field);
  for (const auto& entry : names) s.choices.push_back(entry.first);
  s.read = read_text<std::string>;
  s.get = [field, &names](const Settings& all) {
    for (const auto& [name, value] : names) {
      if (value == field(all)) return json(name);
    }
    return json();
  };
  s.set = [field, &names, name = s.name](JsonFields& fields, Settings& all) {
    const bool is_null = kIsOptional<T> && fields.get<json>(name).is_null();
    field(all) = is_null ? T() : named_value(fields, name, names);
  };
  return s;
}

// One whose value is HEIGHTxWIDTH, or no text.
template <class Field>
Setting size(Setting words, Field field) {
  Setting s = with_field(std::move(words), field);
  s.check = [](const std::string& text) {
    if (parse_size(text)) return std::string();
    return "expected HEIGHTxWIDTH, each from 1 to " + std::to_string(kLargestImageSide) +
           ", got \"" + text + "\"";
  };
  s.read = read_text<std::string>;
  s.get = [field](const Settings& all) { return json(size_text(field(all))); };
  s.set = [field, name = s.name](JsonFields& fields, Settings& all) {
    const auto text = fields.get<std::string>(name);
    field(all) = parse_size(text);
    if (!text.empty() && !field(all)) fields.fail(name, "expected HEIGHTxWIDTH");
  };
  return s;
}

// Numbers that many settings are.
inline ValueCheck positive() {
  return number_check("a number above 0", [](double x) { return x > 0 && std::isfinite(x); });
}

inline ValueCheck number_from_0() {
  return number_check("a number from 0", [](double x) { return x >= 0 && std::isfinite(x); });
}

inline ValueCheck inside_unit() {
  return number_check("a number between 0 and 1", [](double x) { return x > 0 && x < 1; });
}

inline ValueCheck fraction_below_1() {
  return number_check("a number from 0 to below 1", [](double x) { return x >= 0 && x < 1; });
}

}  // namespace iflow::detail
