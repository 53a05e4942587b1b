#include "result.h"

#include "base/atomic_file.h"
#include "options.h"

namespace iflow {

void print_result(const std::string& text) {
  AtomicFile out("-");
  out.write(text);
  out.commit();
}

void print_result(const nlohmann::json& json) {
  constexpr int kIndent = 2;
  print_result(json.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void add_output_option(CLI::App& command, std::string& path, const char* more) {
  command
      .add_option(
          "-o,--output", path,
          "Write to FILE, as TSV if it ends in .tsv (default: standard output)" + std::string(more))
      ->type_name("FILE");
}

void add_documented_json_option(CLI::App& command, bool& json, const std::string& fields) {
  add_json_option(command, json);
  command.footer(command.get_footer() + "\n\n--json: " + fields);
}

}  // namespace iflow
