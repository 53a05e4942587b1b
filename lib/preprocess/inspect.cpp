#include "preprocess/inspect.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "data/number_text.h"

namespace iflow {
namespace {

constexpr std::size_t kFewestRows = 10;
// Limits of a column's numbers and of their spread.
constexpr double kLargest = 1e100;
constexpr double kSmallest = 1e-100;
// The width of the densest half of the rows, in standard deviations (1.35 for a Gaussian), below
// which a column is an error, and below which it is worth a warning. Below the first the float
// numbers that training sees run together. (tests/bench/RESULTS.md, wild rows)
constexpr double kSpike = 1e-6;
constexpr double kWild = 1e-2;
// A column is a linear function of those before it when they explain all but this part of its
// variance (baselines/gaussian.cpp rejects the same).
constexpr double kUnexplained = 1e-14;

struct Column {
  std::string name;
  std::vector<double> values;  // in the order of the rows
  std::vector<double> sorted;
};

// With three digits.
std::string roughly(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

// `column "a"` or `columns "a", "b" and 7 more`.
std::string list_columns(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 5;
  std::string text = names.size() == 1 ? "column " : "columns ";
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + quoted(names[i]);
  }
  if (names.size() > kMostNames) {
    text += " and " + std::to_string(names.size() - kMostNames) + " more";
  }
  return text;
}

Column column_of(const Table& table, std::size_t index) {
  Column column{table.columns[index], std::vector<double>(table.rows), {}};
  for (std::size_t i = 0; i < table.rows; ++i) column.values[i] = table.row(i)[index];
  column.sorted = column.values;
  std::sort(column.sorted.begin(), column.sorted.end());
  return column;
}

double mean_of(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  double mean = 0;
  for (const double xi : x) mean += xi / n;
  return mean;
}

double deviation_of(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  const double mean = mean_of(x);
  double variance = 0;
  for (const double xi : x) variance += (xi - mean) * (xi - mean) / n;
  return std::sqrt(variance);
}

double dot(const std::vector<double>& x, const std::vector<double>& y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

// x += factor y
void add_multiple(std::vector<double>& x, double factor, const std::vector<double>& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += factor * y[i];
}

// The most frequent value of a sorted column.
struct Mode {
  double value;
  std::size_t count;
};

Mode mode_of(const std::vector<double>& sorted) {
  Mode mode{sorted.front(), 0};
  for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    if (end - begin > mode.count) mode = {sorted[begin], end - begin};
  }
  return mode;
}

// Width of the shortest interval that holds half of the numbers.
double densest_half(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  double width = sorted.back() - sorted.front();
  for (std::size_t i = 0; i + half < sorted.size(); ++i) {
    width = std::min(width, sorted[i + half] - sorted[i]);
  }
  return width;
}

// The names of the columns that share some peculiarity worth a warning.
struct Peculiar {
  std::vector<std::string> dequantised, integers, mostly_one_value;
  std::vector<std::string> wild;  // with the values
};

class Inspector {
 public:
  Inspector(const Table& table, const std::string& source,
            std::span<const LatticeColumn> dequantised, std::size_t given)
      : table_(table),
        source_(source),
        dequantised_(dequantised),
        modelled_(table.columns.size() - given) {}

  std::vector<std::string> run() {
    check_rows();
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      const Column column = column_of(table_, i);
      check_constant(column);
      check_range(column);
      check_duplicate(column, i);
      check_scale(column, is_dequantised(i) || i >= modelled_);
      if (i < modelled_) note_integers(column, is_dequantised(i));
    }
    check_linear_independence();
    return warnings();
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw DataError(source_ + ": " + what);
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    refuse("column " + quoted(name) + " " + what);
  }

  // The remedy in messages about a column: the same data without it.
  std::string without(const std::string& name) const {
    if (table_.columns.size() == 1) return "";
    std::string others;
    for (const std::string& column : table_.columns) {
      if (column != name) others += (others.empty() ? "" : ",") + column;
    }
    constexpr std::size_t kLongList = 60;
    return "; drop it with --columns" + (others.size() > kLongList ? "" : " " + others);
  }

  void check_rows() const {
    const std::size_t needed = rows_needed(table_.columns.size());
    if (table_.rows >= needed) return;
    refuse(
        "too few rows: a fit of " + std::to_string(table_.columns.size()) +
        (table_.columns.size() == 1 ? " column" : " columns") + " needs at least " +
        std::to_string(needed) + ", got " + std::to_string(table_.rows) +
        (needed > kFewestRows ? "; more rows than columns are needed, choose with --columns" : ""));
  }

  void check_constant(const Column& column) const {
    if (column.sorted.front() < column.sorted.back()) return;
    refuse(column.name, "is constant (" + number_text(column.sorted.front()) + " in each row)" +
                            without(column.name));
  }

  void check_range(const Column& column) const {
    const double largest =
        std::max(std::abs(column.sorted.front()), std::abs(column.sorted.back()));
    if (largest > kLargest) refuse(column.name, "holds numbers beyond 1e100; rescale it");
    if (column.sorted.back() - column.sorted.front() < kSmallest) {
      refuse(column.name, "varies by less than 1e-100; rescale it");
    }
  }

  void check_duplicate(const Column& column, std::size_t index) {
    const std::string hash = hash_hex(std::as_bytes(std::span(column.values)));
    const auto [first, is_new] = first_with_.emplace(hash, index);
    if (is_new) return;
    refuse(column.name,
           "is the same as column " + quoted(table_.columns[first->second]) + without(column.name));
  }

  bool is_dequantised(std::size_t index) const {
    return std::any_of(dequantised_.begin(), dequantised_.end(),
                       [&](const LatticeColumn& lattice) { return lattice.column == index; });
  }

  // discrete: no warning where one value is most of the rows.
  void check_scale(const Column& column, bool discrete) {
    // A value that is most of the rows would make the densest half a point.
    std::vector<double> sorted = column.sorted;
    const Mode mode = mode_of(sorted);
    if (2 * mode.count >= sorted.size()) {
      if (!discrete) peculiar_.mostly_one_value.push_back(column.name);
      std::erase(sorted, mode.value);
    }
    const double width = densest_half(sorted), deviation = deviation_of(sorted);
    if (width == 0) return;
    const std::string wild = " holds " + farthest_value(column, sorted[sorted.size() / 2]) +
                             ", while half of the rows lie within " + roughly(width) +
                             " of each other";
    if (width < kSpike * deviation) {
      refuse("column " + quoted(column.name) + wild +
             ": in units of its standard deviation a single spike; remove such rows, or take "
             "logarithms");
    }
    if (width < kWild * deviation) peculiar_.wild.push_back(quoted(column.name) + wild);
  }

  // The value farthest from the median and its row: "1e+30 in row 7".
  std::string farthest_value(const Column& column, double median) const {
    const auto nearer = [&](double a, double b) {
      return std::abs(a - median) < std::abs(b - median);
    };
    const auto farthest = std::max_element(column.values.begin(), column.values.end(), nearer);
    return number_text(*farthest) + " in row " +
           std::to_string(number_in_source(
               static_cast<std::size_t>(farthest - column.values.begin()), table_.dropped));
  }

  void note_integers(const Column& column, bool dequantised) {
    if (dequantised) {
      peculiar_.dequantised.push_back(column.name);
      return;
    }
    if (std::all_of(column.values.begin(), column.values.end(), is_integer)) {
      peculiar_.integers.push_back(column.name);
    }
  }

  // Gram-Schmidt: what is left of each column without the directions of those before it.
  void check_linear_independence() const {
    std::vector<std::vector<double>> directions;
    std::vector<std::vector<double>> parts;  // of every column along the directions up to its own
    for (std::size_t j = 0; j < table_.columns.size(); ++j) {
      std::vector<double> left = unit_column(j), along;
      for (const std::vector<double>& direction : directions) {
        along.push_back(dot(left, direction));
        add_multiple(left, -along.back(), direction);
      }
      const double unexplained = dot(left, left);
      if (unexplained < kUnexplained) {
        refuse(table_.columns[j], "is a linear function of " +
                                      columns_behind(parts, std::move(along)) +
                                      without(table_.columns[j]));
      }
      const double length = std::sqrt(unexplained);
      for (double& x : left) x /= length;
      along.push_back(length);
      directions.push_back(std::move(left));
      parts.push_back(std::move(along));
    }
  }

  // The columns that a combination of directions is made of: `parts` is a triangle of which every
  // row is a column, solved backwards for their coefficients.
  std::string columns_behind(const std::vector<std::vector<double>>& parts,
                             std::vector<double> along) const {
    constexpr double kNothing = 1e-6;  // columns being of length 1
    std::vector<std::string> names;
    for (std::size_t i = along.size(); i-- > 0;) {
      const double coefficient = along[i] / parts[i][i];
      for (std::size_t k = 0; k < i; ++k) along[k] -= coefficient * parts[i][k];
      if (std::abs(coefficient) > kNothing) names.push_back(table_.columns[i]);
    }
    std::reverse(names.begin(), names.end());
    return list_columns(names);
  }

  // A column, shifted to mean 0 and scaled to length 1.
  std::vector<double> unit_column(std::size_t index) const {
    std::vector<double> values(table_.rows);
    for (std::size_t i = 0; i < table_.rows; ++i) values[i] = table_.row(i)[index];
    const double mean = mean_of(values);
    const double length = deviation_of(values) * std::sqrt(static_cast<double>(table_.rows));
    for (double& x : values) x = (x - mean) / length;
    return values;
  }

  std::vector<std::string> warnings() const {
    std::vector<std::string> lines;
    const auto warn = [&](const std::vector<std::string>& names, const std::string& what) {
      if (!names.empty()) lines.push_back(source_ + ": " + list_columns(names) + ": " + what);
    };
    warn(peculiar_.dequantised,
         "integers only, spread evenly over their steps; --continuous takes them as they are");
    warn(peculiar_.integers, "integers only, treated as continuous");
    warn(peculiar_.mostly_one_value,
         "at least half of the rows hold one value, which a density can't show");
    for (const std::string& column : peculiar_.wild) {
      lines.push_back(source_ + ": wild scale: column " + column +
                      "; the fit may miss these, removing such rows or taking logarithms may help");
    }
    return lines;
  }

  const Table& table_;
  const std::string& source_;
  std::span<const LatticeColumn> dequantised_;
  std::size_t modelled_;                           // columns
  std::map<std::string, std::size_t> first_with_;  // index of the first column with this content
  Peculiar peculiar_;
};

}  // namespace

std::size_t rows_needed(std::size_t columns) { return std::max(kFewestRows, columns + 1); }

std::vector<std::string> inspect(const Table& table, const std::string& source,
                                 std::span<const LatticeColumn> dequantised, std::size_t given) {
  return Inspector(table, source, dequantised, given).run();
}

}  // namespace iflow
