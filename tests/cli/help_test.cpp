// What --help promises.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/moons_model.h"
#include "recipes/settings_table.h"

namespace iflow::test {
namespace {

// The commands that `iflow --help` lists, a line each: "  fit    Fit a flow ...".
std::vector<std::string> commands() {
  const std::string help = output_of("iflow --help");
  const std::string title = "\nSubcommands:\n";
  const std::size_t at = help.find(title);
  REQUIRE(at != std::string::npos);
  std::istringstream lines(help.substr(at + title.size()));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    if (words >> name) names.push_back(name);
  }
  return names;
}

TEST_CASE("help: every command is listed") {
  const std::vector<std::string> names = commands();
  CHECK(names.size() >= 12);
  for (const char* name : {"fit", "logprob", "verify", "toy"}) {
    CHECK_MESSAGE(std::find(names.begin(), names.end(), name) != names.end(), name);
  }
}

TEST_CASE("help: the example of every command works") {
  for (const std::string& command : commands()) {
    const std::string help = output_of("iflow " + command + " --help");
    const std::string label = "Example: ";
    const std::size_t at = help.find(label);
    REQUIRE_MESSAGE(at != std::string::npos, command);
    const std::size_t begin = at + label.size();
    const std::string example = help.substr(begin, help.find('\n', begin) - begin);
    CAPTURE(example);
    CHECK(contains(example, "iflow " + command));
    // A folder of its own, as examples write files. A fit finds none of its checkpoint there, and
    // ends early.
    const TempDir folder;
    const bool fits = command == "fit";
    const std::string files = fits ? "moons.csv" : "{moons.iflow,moons.csv,heldout.csv}";
    const ProcessResult r = run_shell("cp -r '" + moons_folder().path().string() + "'/" + files +
                                          " . &&" + example + (fits ? " --steps 20" : ""),
                                      {.cwd = folder.path()});
    CHECK_MESSAGE(r.exit_code == 0, r.err);
  }
}

// The lines of a help text that begin with an option, each with what follows it.
std::map<std::string, std::string> options_of(const std::string& help) {
  std::map<std::string, std::string> options;
  std::string name;
  for (const std::string& line : lines_of(help)) {
    const std::size_t at = line.find("--");
    const bool begins = line.starts_with("  -") && at != std::string::npos;
    if (begins) name = line.substr(at + 2, line.find_first_of(" =", at) - at - 2);
    if (line.empty()) name.clear();
    if (!name.empty()) options[name] += line + "\n";
  }
  return options;
}

TEST_CASE("help: every option of fit is a setting, with its default, or of this run alone") {
  const std::set<std::string> of_this_run = {"help",   "output",    "resume", "force", "json",
                                             "memory", "log-every", "val",    "time",  "version",
                                             "config", "threads",   "quiet"};
  const std::map<std::string, std::string> options = options_of(output_of("iflow fit --help"));
  for (const auto& [name, text] : options) {
    CAPTURE(name);
    if (of_this_run.contains(name)) continue;
    CHECK(contains(text, find_setting(name).help));
    CHECK(contains(text, "(default: " + default_text(find_setting(name)) + ")"));
  }
  for (const Setting& setting : settings_table()) {
    CHECK_MESSAGE(options.contains(setting.name), setting.name);
  }
}

TEST_CASE("help: every command that prints JSON says what is in it") {
  for (const std::string& command : commands()) {
    const std::string help = output_of("iflow " + command + " --help");
    if (contains(help, "  --json ")) CHECK_MESSAGE(contains(help, "\n--json: "), command);
  }
}

}  // namespace
}  // namespace iflow::test
