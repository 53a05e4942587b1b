#include "data/table_columns.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace iflow {
namespace {

constexpr std::size_t kMaxListedNames = 20;

std::unordered_set<std::string> set_of(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// Those of `names` that are not in `others`, in order.
std::vector<std::string> difference(const std::vector<std::string>& names,
                                    const std::vector<std::string>& others) {
  const std::unordered_set<std::string> excluded = set_of(others);
  std::vector<std::string> left;
  for (const std::string& name : names) {
    if (!excluded.contains(name)) left.push_back(name);
  }
  return left;
}

// The names between quotes and commas; a long list is cut.
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListedNames); ++i) {
    text += (i == 0 ? "\"" : ", \"") + names[i] + "\"";
  }
  if (names.size() > kMaxListedNames) {
    text += " and " + std::to_string(names.size() - kMaxListedNames) + " more";
  }
  return text;
}

std::string counted(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " column" : " columns");
}

// Finds the columns of one file. `place` is what messages about a column that is missing begin
// with.
class Finder {
 public:
  Finder(const std::string& place, const std::vector<std::string>& names)
      : place_(place), names_(names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!index_.emplace(names[i], i).second) second_index_.emplace(names[i], i);
    }
  }

  std::size_t find(const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) {
      fail("no column \"" + name + "\" (the columns are " + listed(names_) + ")");
    }
    const auto again = second_index_.find(name);
    if (again != second_index_.end()) {
      throw DataError(place_ + ":" + std::to_string(again->second + 1) + ": a second column \"" +
                      name + "\"; rename one of them");
    }
    return found->second;
  }

  std::vector<std::size_t> find_all(const std::vector<std::string>& wanted) const {
    std::vector<std::size_t> indices;
    indices.reserve(wanted.size());
    for (const std::string& name : wanted) indices.push_back(find(name));
    return indices;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw DataError(place_ + ": " + reason);
  }

 private:
  const std::string& place_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string, std::size_t> index_;         // where a name is first
  std::unordered_map<std::string, std::size_t> second_index_;  // where it is again
};

// The indices, those of the columns in `last` behind the others. `names`: one of each index.
std::vector<std::size_t> moved_last(const std::vector<std::size_t>& indices,
                                    const std::vector<std::string>& names,
                                    const std::vector<std::string>& last) {
  const std::unordered_set<std::string> behind = set_of(last);
  std::vector<std::size_t> moved;
  for (const bool is_last : {false, true}) {
    for (std::size_t i = 0; i < indices.size(); ++i) {
      if (behind.contains(names[i]) == is_last) moved.push_back(indices[i]);
    }
  }
  return moved;
}

void check_same_names(const Finder& finder, const std::vector<std::string>& available,
                      const std::vector<std::string>& expected) {
  const std::vector<std::string> missing = difference(expected, available);
  const std::vector<std::string> extra = difference(available, expected);
  if (missing.empty() && extra.empty()) return;
  std::string reason;
  if (!missing.empty()) reason += "missing " + counted(missing.size()) + ": " + listed(missing);
  if (!missing.empty() && !extra.empty()) reason += "; ";
  if (!extra.empty()) {
    reason += counted(extra.size()) + " the model does not have: " + listed(extra) +
              " (choose with --columns, pass through with --keep)";
  }
  finder.fail(reason);
}

}  // namespace

ColumnSelection select_columns(const std::string& place, const std::vector<std::string>& names,
                               bool has_header, const TableOptions& options) {
  const Finder finder(place, names);
  const bool by_name = !options.expected.empty() && has_header && options.expected_has_header;

  // A kept column is a number column only where `columns` names it.
  std::vector<std::string> available = options.columns;
  if (available.empty()) {
    const std::vector<std::string> only_kept =
        by_name ? difference(options.keep, options.expected) : options.keep;
    available = difference(names, only_kept);
    if (by_name) available = difference(available, options.unused);
  } else if (set_of(available).size() < available.size()) {
    finder.fail("--columns names a column twice");
  }
  if (available.empty()) finder.fail("every column is passed through by --keep, none is left");

  if (by_name) {
    check_same_names(finder, available, options.expected);
  } else if (!options.expected.empty() && available.size() != options.expected.size()) {
    finder.fail("expected " + counted(options.expected.size()) + " (" + listed(options.expected) +
                "), got " + std::to_string(available.size()) +
                " (choose with --columns, pass through with --keep)");
  }
  const std::vector<std::size_t> values = finder.find_all(by_name ? options.expected : available);
  const std::vector<std::string>& called = options.expected.empty() ? available : options.expected;
  return {moved_last(values, called, options.last), finder.find_all(options.keep)};
}

}  // namespace iflow
