#include "fit/table_dataset.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "baselines/conditional.h"
#include "data/input_file.h"
#include "data/split.h"
#include "data/table_reader.h"
#include "fit/shrinkage.h"
#include "flow/dequantise.h"
#include "model/column_bounds.h"
#include "model/given_columns.h"
#include "model/integer_columns.h"
#include "preprocess/inspect.h"
#include "preprocess/row_weights.h"
#include "recipes/defaults.h"
#include "train/prefix.h"

namespace iflow {
namespace {

// What the files hold, and which rows train and which validate.
struct FitRows {
  Table table;                           // the rows of DATA, then those of a file to validate on
  std::vector<double> weights;           // of all of them; none: 1 each
  std::string source, val;               // the files' names
  std::size_t data_rows = 0;             // rows of DATA
  std::vector<std::size_t> val_dropped;  // as in the table, of a file to validate on
  Split split;

  // "val.csv: row 3 (the header not counted)"
  std::string place(std::size_t row) const {
    const bool is_in_data = row < data_rows;
    const std::size_t number = is_in_data ? number_in_source(row, table.dropped)
                                          : number_in_source(row - data_rows, val_dropped);
    return (is_in_data ? source : val) + ": row " + std::to_string(number) +
           " (the header not counted)";
  }
};

Table read(const std::string& path, const TableOptions& options,
           std::vector<std::string>& warnings) {
  Table table = read_table(path, options);
  if (!table.dropped.empty()) {
    warnings.push_back(display_name(path) + ": dropped " + std::to_string(table.dropped.size()) +
                       (table.dropped.size() == 1 ? " row" : " rows") + " with missing values");
  }
  return table;
}

template <class T>
std::vector<T> concatenated(std::vector<T> a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<double> gather(const Table& table, const std::vector<std::size_t>& indices) {
  std::vector<double> rows;
  rows.reserve(indices.size() * table.columns.size());
  for (const std::size_t i : indices) {
    const auto row = table.row(i);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

// What the whole table has, the training rows may lack.
void check_training_rows(const Table& table, const std::string& source, std::size_t rows,
                         const ColumnMoments& moments) {
  const std::size_t columns = table.columns.size();
  if (rows <= columns) {
    throw DataError(source + ": too few rows: " + std::to_string(rows) +
                    " to train on, of which there must be more than columns (" +
                    std::to_string(columns) + ")");
  }
  for (std::size_t j = 0; j < columns; ++j) {
    if (moments.deviation[j] > 0) continue;
    throw DataError(source + ": column \"" + table.columns[j] +
                    "\" is constant in the rows to train on; drop it with --columns");
  }
}

void check_bounds(const IntervalConfig& bounds, const FitRows& rows) {
  const auto outside = find_outside(bounds, rows.table.columns, rows.table.values);
  if (outside) throw DataError(rows.place(outside->row) + ": " + outside->what);
}

// `table`: its given columns behind those modelled.
void check_not_given(const std::optional<IntervalConfig>& bounds, const Table& table,
                     const DataRecord& record) {
  const std::size_t modelled = table.columns.size() - record.given.size();
  if (!bounds) return;
  for (const ColumnInterval& b : bounds->columns) {
    if (b.column < modelled) continue;
    throw UsageError("--bounds: column \"" + table.columns[b.column] +
                     "\" is given, not modelled; leave it out");
  }
}

// rows (n, columns) as the layer of the bounds leaves them.
void remove_bounds(const IntervalConfig& bounds, std::size_t columns, std::vector<double>& rows) {
  for (const ColumnInterval& b : bounds.columns) {
    const IntervalMap column(b, bounds.alpha);
    for (std::size_t i = b.column; i < rows.size(); i += columns) {
      rows[i] = column.transform(rows[i]);
    }
  }
}

// Throws DataError for a row of a file to validate on that is off its lattice.
void check_lattices(const Dequantise& dequantise, const FitRows& rows) {
  for (std::size_t i = rows.data_rows; i < rows.table.rows; ++i) {
    const LatticeColumn* off = dequantise.off_lattice(rows.table.row(i));
    if (off == nullptr) continue;
    const std::string& name = rows.table.columns[off->column];
    throw DataError(rows.place(i) + ": column \"" + name +
                    "\" is off the lattice of integers that the rows to train on are on; take " +
                    "them as they are with --continuous " + name);
  }
}

// Far out, a validation row's density would decide alone which parameters are the best.
void check_validation_rows(const FitRows& rows, const ColumnMoments& moments) {
  constexpr double kFarthest = 1e6;  // standard deviations
  for (const std::size_t i : rows.split.validation) {
    const std::span<const double> row = rows.table.row(i);
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (std::abs(row[j] - moments.mean[j]) <= kFarthest * moments.deviation[j]) continue;
      throw DataError(rows.place(i) + ": column \"" + rows.table.columns[j] +
                      "\" is a million standard deviations away from the rows to train on");
    }
  }
}

// Adds the rows of the file `val`, all to validate on. `columns`: of DATA, in the file's order.
void append_validation(FitRows& rows, const std::string& val, const Settings& settings,
                       const std::vector<std::string>& columns,
                       std::vector<std::string>& warnings) {
  TableOptions options = with_weights(settings.table, settings.weights);
  options.expected = columns;
  options.expected_has_header = rows.table.has_header;
  Table more = read(val, options, warnings);
  const std::vector<double> weights = take_weights(more, settings.weights, rows.val);
  if (!settings.given.empty()) more = with_columns_last(more, settings.given);
  rows.weights.insert(rows.weights.end(), weights.begin(), weights.end());
  Table& table = rows.table;
  table.values.insert(table.values.end(), more.values.begin(), more.values.end());
  for (std::size_t i = 0; i < table.rows; ++i) rows.split.training.push_back(i);
  for (std::size_t i = 0; i < more.rows; ++i) rows.split.validation.push_back(table.rows + i);
  rows.val_dropped = more.dropped;
  table.rows += more.rows;
}

// Reads the files and looks at DATA; fills in the lattices, the warnings and the record.
FitRows read_rows(const std::string& path, const std::string& val, const Settings& settings,
                  TableDataset& data) {
  FitRows rows;
  rows.source = display_name(path);
  rows.val = display_name(val);
  Table& table = rows.table;
  table = read(path, with_weights(settings.table, settings.weights), data.warnings);
  const std::vector<std::string> columns = table.columns;
  rows.weights = take_weights(table, settings.weights, rows.source);
  rows.data_rows = table.rows;
  data.record.columns = table.columns;
  data.record.given = given_columns(settings.given, table.columns);
  if (!settings.given.empty()) table = with_columns_last(table, settings.given);
  const std::size_t modelled = table.columns.size() - data.record.given.size();
  data.lattices = lattices_of(table, modelled, settings.continuous);
  const std::vector<std::string> findings =
      inspect(table, rows.source, data.lattices, data.record.given.size());
  data.warnings.insert(data.warnings.end(), findings.begin(), findings.end());
  if (val.empty()) {
    rows.split = split_rows(table.rows, held_out_part(settings, table.rows), settings.train.seed);
  } else {
    append_validation(rows, val, settings, columns, data.warnings);
  }
  leave_out_weightless(rows.split, rows.weights, rows.source, val.empty() ? rows.source : rows.val);
  const std::string hash = rows.weights.empty()
                               ? content_hash(table)
                               : content_hash(with_column(table, settings.weights, rows.weights));
  data.record.has_header = table.has_header;
  data.record.hash = hash;
  data.record.rows = table.rows;
  data.record.training_rows = rows.split.training.size();
  data.record.validation_rows = rows.split.validation.size();
  return rows;
}

// The columns begin .. end - 1 of rows (n, columns).
std::vector<double> some_columns(const std::vector<double>& rows, std::size_t columns,
                                 std::size_t begin, std::size_t end) {
  std::vector<double> some;
  some.reserve(rows.size() / columns * (end - begin));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % columns >= begin && i % columns < end) some.push_back(rows[i]);
  }
  return some;
}

// What the flow is told before it learns, and the Gaussian, from the rows to train on. How much
// the correlations are shrunk is chosen by the validation rows.
void fit_statistics(TableDataset& data) {
  const std::size_t columns = data.record.columns.size();
  const std::size_t modelled = columns - data.record.given.size();
  if (data.bounds) widen_to_bins(*data.bounds, data.lattices);
  data.gaussian = fit_gaussian(data.training, columns, data.weights);
  if (modelled < columns) {
    const ColumnMoments given = column_moments(
        some_columns(data.training, columns, modelled, columns), columns - modelled, data.weights);
    data.condition = {given.mean, given.deviation};
  }
  const std::vector<double> rows = behind_bounds(data, data.training);
  data.moments = column_moments(rows, modelled, data.weights);
  // The plane's correlations are nothing that a flow would not learn at once.
  if (modelled > 2) {
    data.whiten = shrunk_correlations(
        standardised(rows, data.moments), modelled, data.weights,
        standardised(behind_bounds(data, data.validation), data.moments), data.validation_weights);
  }
}

}  // namespace

std::vector<double> behind_bounds(const TableDataset& data, std::vector<double> rows) {
  const std::size_t columns = data.record.columns.size();
  if (data.bounds) remove_bounds(*data.bounds, columns, rows);
  if (data.record.given.empty()) return rows;
  return some_columns(rows, columns, 0, columns - data.record.given.size());
}

DataShape TableDataset::shape() const {
  return {record.training_rows, record.columns.size(), record.given.size(), std::nullopt};
}

FlowConfig TableDataset::flow_of(const FlowOptions& options) const {
  return make_flow(options, {moments.mean, moments.deviation}, whiten, bounds, condition);
}

namespace {

// Rows of a table with integer columns, which get new noise in every pass.
DrawRows noisy_rows(const FlowConfig& flow, const TableDataset& data, std::uint64_t seed) {
  const Dequantise dequantise(data.lattices, flow.row_width());
  return [flow, dequantise, seed, rows = std::span(data.training),
          table_ids = std::span(data.training_ids), weights = RowWeights(data.weights),
          width = data.training.size() / data.training_ids.size()](
             std::span<const std::uint32_t> numbers, std::uint64_t pass) {
    std::vector<double> drawn, drawn_weights;
    std::vector<std::uint64_t> ids;
    for (const std::uint32_t number : numbers) {
      const std::span<const double> row = rows.subspan(number * width, width);
      drawn.insert(drawn.end(), row.begin(), row.end());
      ids.push_back(table_ids[number]);
      if (!weights.empty()) drawn_weights.push_back(weights[number]);
    }
    dequantise.round_down(drawn);
    dequantise.add_noise(drawn, ids, seed, pass);
    return rows_after_prefix(flow, drawn, drawn_weights);
  };
}

}  // namespace

TrainingData TableDataset::training_data(const FlowConfig& flow, std::uint64_t noise_seed) const {
  TrainingData rows;
  rows.validation = validation;
  rows.weights = weights;
  rows.validation_weights = validation_weights;
  if (lattices.empty()) {
    PrefixedRows prefixed = rows_after_prefix(flow, training, weights);
    rows.rows = std::make_shared<const std::vector<float>>(std::move(prefixed.rows));
    rows.mean_log_det = prefixed.mean_log_det;
  } else {
    rows.draw = noisy_rows(flow, *this, noise_seed);
    rows.drawn_rows = record.training_rows;
  }
  return rows;
}

void TableDataset::set_baselines(Fit& fit) const {
  if (!mixture_) mixture_ = fit_mixture(training, record.columns.size(), seed, weights);
  fit.gaussian = gaussian;
  fit.mixture = *mixture_;
}

BaselineScores TableDataset::scores_of_baselines(const Fit& fit) const {
  const std::size_t d = fit.flow.dimension, width = fit.flow.row_width();
  const auto score = [&](const auto& baseline) {
    return mean_and_error(conditional_log_density(baseline, validation, d, width),
                          validation_weights);
  };
  return {.gaussian = score(fit.gaussian), .mixture = score(fit.mixture)};
}

double TableDataset::effective_rows() const {
  return weights.empty() ? static_cast<double>(record.training_rows)
                         : iflow::effective_rows(weights);
}

std::unique_ptr<const Dataset> TableDataset::without_validation() const {
  auto all = std::make_unique<TableDataset>();
  all->record = record;
  all->record.training_rows += record.validation_rows;
  all->record.validation_rows = 0;
  all->lattices = lattices;
  all->training = concatenated(training, validation);
  all->training_ids = concatenated(training_ids, validation_ids);
  all->weights = all->all_weights = all_weights;
  all->bounds = bounds;
  all->moments = moments;
  all->condition = condition;
  all->whiten = whiten;
  all->gaussian = fit_gaussian(all->training, record.columns.size(), all->weights);
  all->seed = seed;
  return all;
}

std::unique_ptr<const TableDataset> read_table_dataset(const std::string& path,
                                                       const std::string& val,
                                                       const Settings& settings) {
  const std::string source = display_name(path);
  auto data = std::make_unique<TableDataset>();
  data->seed = settings.train.seed;
  const FitRows rows = read_rows(path, val, settings, *data);
  const Table& table = rows.table;
  const std::size_t columns = table.columns.size();
  const Dequantise dequantise(data->lattices, columns);
  check_lattices(dequantise, rows);
  data->weights = normalised(weights_of(rows.weights, rows.split.training));
  data->validation_weights = normalised(weights_of(rows.weights, rows.split.validation));
  data->all_weights = normalised(concatenated(weights_of(rows.weights, rows.split.training),
                                              weights_of(rows.weights, rows.split.validation)));
  data->training = gather(table, rows.split.training);
  data->validation = gather(table, rows.split.validation);
  data->bounds = bounds_of(settings.bounds, table.columns, data->training);
  check_not_given(data->bounds, table, data->record);
  if (data->bounds) check_bounds(*data->bounds, rows);
  const ColumnMoments moments = column_moments(data->training, columns, data->weights);
  check_training_rows(table, source, rows.split.training.size(), moments);
  if (!val.empty()) check_validation_rows(rows, moments);

  data->training_ids.assign(rows.split.training.begin(), rows.split.training.end());
  data->validation_ids.assign(rows.split.validation.begin(), rows.split.validation.end());
  dequantise.add_noise(data->training, data->training_ids, settings.train.seed, 0);
  dequantise.add_noise(data->validation, data->validation_ids, settings.train.seed, 0);
  try {
    fit_statistics(*data);
  } catch (const DataError& error) {
    throw DataError(source + ": " + error.what());
  }
  return data;
}

}  // namespace iflow
