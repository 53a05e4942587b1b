#include "row_input.h"

#include <unistd.h>

#include "base/error.h"
#include "data/image_reader.h"
#include "options.h"

namespace iflow {

void add_checkpoint_argument(CLI::App& command, std::string& path) {
  command.add_option("CKPT", path, "Checkpoint of a fit, such as moons.iflow")->required();
}

void add_row_input(CLI::App& command, RowInput& input) {
  command.add_option("DATA", input.path,
                     "Table: CSV, TSV or .npy, also gzipped; - or nothing: standard input. For a "
                     "model of images: IDX, .npy of shape N,H,W,C, a PNG, a JPEG or a folder of "
                     "them");
  add_table_options(command, input.table);
}

CLI::Option& add_keep_option(CLI::App& command, RowInput& input) {
  return *add_list_option(command, "--keep", input.table.keep,
                          "Columns to pass through, by name: id,day")
              ->type_name("NAMES");
}

void settle_input(const CLI::App& command, RowInput& input) {
  if (!input.path.empty()) return;
  input.path = "-";
  if (isatty(STDIN_FILENO) == 0) return;
  // Nobody is about to type a table: someone who gives no file wants to know what to give.
  const std::string footer = command.get_footer();
  const std::string example = footer.substr(0, footer.find('\n'));
  throw UsageError("no DATA, and standard input is a terminal\n" + example + "\nMore: iflow " +
                   command.get_name() + " --help");
}

namespace {

void refuse_images(const RowInput& input, std::size_t columns) {
  if (input.image.crop || input.image.resize) {
    throw UsageError("--crop, --resize: the model is not one of images");
  }
  if (holds_images(input.path)) {
    throw DataError(input.path + ": images; expected a table of " + std::to_string(columns) +
                    " columns");
  }
}

}  // namespace

TableReader open_rows(const RowInput& input, const std::vector<std::string>& columns,
                      bool columns_have_names) {
  refuse_images(input, columns.size());
  TableOptions table = input.table;
  table.expected = columns;
  table.expected_has_header = columns_have_names;
  return TableReader(input.path, table);
}

TableReader open_rows(const RowInput& input, const DataRecord& data) {
  return open_rows(input, data.columns, data.has_header);
}

TableOptions rows_like(const TableOptions& options, const DataRecord& data) {
  TableOptions table = options;
  table.expected = data.columns;
  table.expected_has_header = data.has_header;
  table.last = data.given;
  return table;
}

}  // namespace iflow
