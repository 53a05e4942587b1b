// Small fits, and what is in a checkpoint, for the tests of `iflow fit`.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support/output.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace iflow::test {

// A model and a plan that take a fraction of a second.
inline const std::string kSmall = " --blocks 4 --hidden 16,16 --steps 300 ";

// A folder with moons.csv.
class MoonsFolder : public TempDir {
 public:
  explicit MoonsFolder(int rows = 500) {
    run("iflow toy moons -n " + std::to_string(rows) + " -o moons.csv");
  }

  ProcessResult run(const std::string& script) const { return run_shell(script, {.cwd = path()}); }
};

// A folder with a table and its fit.
class FittedFolder : public TempDir {
 public:
  // `options`: of `iflow fit`, after the file's name.
  FittedFolder(const std::string& name, const std::string& csv, const std::string& options) {
    write(name, csv);
    fitted = run("iflow fit " + name + " " + options);
  }
  ProcessResult run(const std::string& script) const { return run_shell(script, {.cwd = path()}); }

  ProcessResult fitted;
};

// Every file of a checkpoint but the lock and the log, by name.
inline std::map<std::string, std::string> contents(const std::filesystem::path& checkpoint) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(checkpoint)) {
    const std::string name = entry.path().filename().string();
    if (name == ".lock" || name == "log.jsonl") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    files[name] = {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  return files;
}

inline nlohmann::json model_of(const std::filesystem::path& checkpoint) {
  return nlohmann::json::parse(std::ifstream(checkpoint / "model.json"));
}

}  // namespace iflow::test
