// What --help promises.
#include <doctest/doctest.h>

#include <string>

#include "cli/moons_model.h"

namespace iflow::test {
namespace {

const std::vector<std::string> kCommands = {"toy",    "logprob", "sample", "encode", "decode",
                                            "invert", "eval",    "plot",   "info",   "compare"};

TEST_CASE("help: the example of every command works") {
  for (const std::string& command : kCommands) {
    const std::string help = output_of("iflow " + command + " --help");
    const std::string label = "Example: ";
    const std::size_t at = help.find(label);
    REQUIRE_MESSAGE(at != std::string::npos, command);
    const std::size_t begin = at + label.size();
    const std::string example = help.substr(begin, help.find('\n', begin) - begin);
    CAPTURE(example);
    CHECK(contains(example, "iflow " + command));
    // A folder of its own, as examples write files.
    const TempDir folder;
    const ProcessResult r = run_shell("cp -r '" + moons_folder().path().string() +
                                          "'/{moons.iflow,moons.csv,heldout.csv} . &&" + example,
                                      {.cwd = folder.path()});
    CHECK_MESSAGE(r.exit_code == 0, r.err);
  }
}

TEST_CASE("help: every command that prints JSON says what is in it") {
  for (const std::string& command : kCommands) {
    const std::string help = output_of("iflow " + command + " --help");
    if (contains(help, "  --json ")) CHECK_MESSAGE(contains(help, "\n--json: "), command);
  }
}

}  // namespace
}  // namespace iflow::test
