#include "base/json_fields.h"

#include "base/nearest.h"

namespace iflow {
namespace {

using nlohmann::json;

// Watches a parse for what the parser itself lets pass.
class StrictParse {
 public:
  StrictParse(const std::string& where, ThrowError throw_error)
      : where_(where), throw_error_(throw_error) {}

  // Always keeps the value.
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        check_depth(depth);
        open_objects_.emplace_back();
        break;
      case json::parse_event_t::array_start:
        check_depth(depth);
        break;
      case json::parse_event_t::object_end:
        open_objects_.pop_back();
        break;
      case json::parse_event_t::key:
        check_unique(parsed.get_ref<const std::string&>());
        break;
      case json::parse_event_t::array_end:
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

 private:
  void check_depth(int depth) const {
    if (depth < kMaxJsonDepth) return;
    throw_error_(where_ + ": malformed JSON: nested deeper than " + std::to_string(kMaxJsonDepth) +
                 " levels");
  }

  void check_unique(const std::string& key) {
    if (open_objects_.back().insert(key).second) return;
    throw_error_(where_ + ": malformed JSON: the key \"" + key + "\" appears twice in one object");
  }

  const std::string& where_;
  ThrowError throw_error_;
  std::vector<std::set<std::string>> open_objects_;  // the keys seen, outermost object first
};

// The parser's message without its prefix "[json.exception.parse_error.101] ".
std::string plain_message(const json::exception& error) {
  const std::string message = error.what();
  const std::size_t end = message.find("] ");
  return end == std::string::npos ? message : message.substr(end + 2);
}

// A value as it may appear in a message: on one line, and short.
std::string excerpt(const json& value) {
  constexpr std::size_t kLongest = 40;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

}  // namespace

json parse_json(std::string_view text, const std::string& where, ThrowError throw_error) {
  try {
    return json::parse(text, StrictParse(where, throw_error));
  } catch (const json::exception& error) {
    throw_error(where + ": malformed JSON: " + plain_message(error));
  }
  return {};  // not reached: throw_error() throws
}

JsonFields::JsonFields(const json& object, std::string file, ThrowError throw_error)
    : JsonFields(object, std::move(file), "", throw_error) {}

JsonFields::JsonFields(const json& object, std::string file, std::string path,
                       ThrowError throw_error)
    : object_(&object), file_(std::move(file)), path_(std::move(path)), throw_error_(throw_error) {
  if (object.is_object()) return;
  throw_error_(file_ + ": " + (path_.empty() ? "" : path_ + ": ") + "expected an object, got " +
               excerpt(object));
}

bool JsonFields::has(const std::string& key) {
  known_.insert(key);
  return object_->contains(key);
}

JsonFields JsonFields::object(const std::string& key) {
  return JsonFields(at(key), file_, joined(path_, key), throw_error_);
}

std::vector<JsonFields> JsonFields::objects(const std::string& key) {
  const json& array = at(key);
  if (!array.is_array()) mismatch(key, "an array", array);
  std::vector<JsonFields> items;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const std::string path = joined(path_, key) + "[" + std::to_string(i) + "]";
    items.push_back(JsonFields(array[i], file_, path, throw_error_));
  }
  return items;
}

std::vector<std::string> JsonFields::keys() const {
  std::vector<std::string> keys;
  for (const auto& item : object_->items()) keys.push_back(item.key());
  return keys;
}

void JsonFields::fail(const std::string& key, const std::string& problem) const {
  throw_error_(file_ + ": " + joined(path_, key) + ": " + problem);
  throw std::logic_error("JsonFields: throw_error() returned");
}

void JsonFields::finish() const {
  const std::vector<std::string> candidates(known_.begin(), known_.end());
  for (const std::string& key : keys()) {
    if (known_.contains(key)) continue;
    const std::string closest = nearest(key, candidates);
    fail(key, closest.empty() ? "unknown key" : "unknown key; the nearest is \"" + closest + "\"");
  }
}

const json& JsonFields::at(const std::string& key) {
  if (!has(key)) fail(key, "missing");
  return object_->at(key);
}

void JsonFields::mismatch(const std::string& key, const std::string& expected,
                          const json& found) const {
  fail(key, "expected " + expected + ", got " + excerpt(found));
}

}  // namespace iflow
