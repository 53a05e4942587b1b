// What a command reads: a model and rows, as the command line names them.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "data/image_options.h"
#include "data/table_reader.h"

namespace iflow {

struct RowInput {
  std::string path;  // "-": standard input; empty: not given
  TableOptions table;
  ImageOptions image;  // for a model of images; its bits are the model's
};

// Adds CKPT, the model to use.
void add_checkpoint_argument(CLI::App& command, std::string& path);

// Adds DATA and the options of how a table is read.
void add_row_input(CLI::App& command, RowInput& input);

// Adds --keep: columns to pass through.
CLI::Option& add_keep_option(CLI::App& command, RowInput& input);

// Takes standard input where no DATA was given. Throws UsageError, with a short help, if that is a
// terminal.
void settle_input(const CLI::App& command, RowInput& input);

// Opens the table, whose columns must be `columns`: in any order where both have names, by their
// number otherwise. Throws DataError, also for images, and UsageError for options that only images
// have.
TableReader open_rows(const RowInput& input, const std::vector<std::string>& columns,
                      bool columns_have_names);

// Opens a table like the one a model was fitted on, its columns in their order. Throws as above.
TableReader open_rows(const RowInput& input, const DataRecord& data);
// How such a table is read with the given columns behind the modelled ones.
TableOptions rows_like(const TableOptions& options, const DataRecord& data);

}  // namespace iflow
