// The include rules of the source tree: a folder includes itself and what the list below allows it,
// and a .cpp includes its own header first, which proves that the header compiles on its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.h"

namespace iflow::test {
namespace {

namespace fs = std::filesystem;

// The folders from the top of the house to its foundation, each with those below it that it may
// include. (lib/README.md)
const std::vector<std::pair<std::string, std::set<std::string>>> kMayInclude = {
    {"app",
     {"fit", "checkpoint", "model", "recipes", "train", "objective", "baselines", "flow", "nn",
      "report", "data", "base"}},
    {"fit",
     {"model", "recipes", "train", "baselines", "flow", "mixture", "preprocess", "report", "data",
      "base"}},
    {"checkpoint",
     {"model", "recipes", "train", "baselines", "flow", "mixture", "nn", "data", "base"}},
    {"model",
     {"recipes", "train", "objective", "baselines", "flow", "mixture", "nn", "autodiff",
      "preprocess", "report", "data", "base"}},
    {"recipes", {"train", "baselines", "flow", "mixture", "nn", "preprocess", "data", "base"}},
    {"train", {"objective", "flow", "nn", "preprocess", "base"}},
    {"objective", {"flow", "autodiff", "base"}},
    {"baselines", {"mixture", "preprocess", "data", "base"}},
    {"flow", {"mixture", "nn", "autodiff", "preprocess", "report", "kernels", "base"}},
    {"mixture", {"preprocess", "kernels", "base"}},
    {"nn", {"autodiff", "kernels", "data", "base"}},
    {"autodiff", {"kernels", "base"}},
    {"preprocess", {"data", "base"}},
    {"report", {"data", "base"}},
    {"data", {"base"}},
    {"kernels", {"base"}},
    {"base", {}}};

struct Include {
  int line;
  std::string path;  // as written between quotes, or with its angle brackets
};

std::vector<Include> includes(const fs::path& file) {
  static const std::regex directive(R"re(^\s*#\s*include\s*(?:"([^"]+)"|(<[^>]+>)).*)re");
  std::vector<Include> found;
  std::ifstream in(file);
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    std::smatch match;
    if (std::regex_match(text, match, directive)) {
      found.push_back({line, match[1].matched ? match[1].str() : match[2].str()});
    }
  }
  return found;
}

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".h" || extension == ".cpp") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// What a folder may include besides itself; null for one that isn't in the list.
const std::set<std::string>* allowed(const std::string& folder) {
  for (const auto& [name, others] : kMayInclude) {
    if (name == folder) return &others;
  }
  return nullptr;
}

// Everything wrong with the tree under `root`, a line each: "lib/nn/dense.h:7: ...".
std::vector<std::string> violations(const fs::path& root) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(root / "lib")) {
    const std::string folder = entry.path().filename();
    if (entry.path().extension() == ".md") continue;
    if (!entry.is_directory() || folder == "app" || allowed(folder) == nullptr) {
      found.push_back("lib/" + folder + ": not a folder that architecture rules know");
    }
  }
  for (const char* top : {"lib", "app"}) {
    for (const fs::path& file : sources(root / top)) {
      const fs::path name = file.lexically_relative(root);
      const std::string folder = name.begin()->string() == "app" ? "app" : *std::next(name.begin());
      const std::vector<Include> list = includes(file);
      for (const Include& include : list) {
        if (include.path.front() == '<') continue;
        const std::string where = name.string() + ":" + std::to_string(include.line) + ": ";
        const fs::path target = include.path;
        const bool own_of_app = folder == "app" && fs::exists(root / "app" / target);
        if (own_of_app) continue;
        const std::string target_folder = target.begin()->string();
        if (!fs::exists(root / "lib" / target)) {
          found.push_back(where + "no file \"" + include.path + "\" under lib/");
        } else if (target_folder != folder && allowed(folder) != nullptr &&
                   !allowed(folder)->contains(target_folder)) {
          found.push_back(where + folder + "/ may not include " + target_folder + "/");
        }
      }
      fs::path header = file;
      header.replace_extension(".h");
      if (file.extension() == ".cpp" && fs::exists(header)) {
        const std::string own = header.lexically_relative(root / top);
        if (list.empty() || list.front().path != own) {
          found.push_back(name.string() + ": \"" + own + "\" must be its first include");
        }
      }
    }
  }
  return found;
}

TEST_CASE("include arrows: the source tree") {
  const fs::path root = IFLOW_SOURCE_DIR;
  REQUIRE(fs::exists(root / "lib/base/error.h"));
  for (const std::string& violation : violations(root)) FAIL_CHECK(violation);
}

// A tree with one good file, to be spoiled.
struct Tree {
  TempDir dir;

  Tree() {
    for (const char* folder : {"app", "lib/nn", "lib/base"}) {
      fs::create_directories(dir / folder);
    }
    dir.write("lib/base/error.h", "#include <string>\n");
    dir.write("lib/nn/dense.h", "#pragma once\n#include \"base/error.h\"\n");
    dir.write("lib/nn/dense.cpp", "#include \"nn/dense.h\"\n#include <vector>\n");
    dir.write("app/fit.h", "#include <string>\n");
    dir.write("app/fit.cpp", "#include \"fit.h\"\n#include \"nn/dense.h\"\n");
  }
};

TEST_CASE("include arrows: what is allowed points down") {
  for (auto folder = kMayInclude.begin(); folder != kMayInclude.end(); ++folder) {
    for (const std::string& target : folder->second) {
      const bool is_below = std::any_of(folder + 1, kMayInclude.end(),
                                        [&](const auto& f) { return f.first == target; });
      CHECK_MESSAGE(is_below, folder->first, " -> ", target);
    }
  }
}

TEST_CASE("include arrows: a good tree has no violation") {
  const Tree tree;
  CHECK(violations(tree.dir.path()).empty());
}

TEST_CASE("include arrows: each rule finds its violation") {
  const Tree tree;
  std::string expected;
  SUBCASE("upwards") {
    tree.dir.write("lib/base/bad.h", "\n # include \"nn/dense.h\"  // up\n");
    expected = "lib/base/bad.h:2: base/ may not include nn/";
  }
  SUBCASE("downwards, past what is allowed") {
    fs::create_directories(tree.dir / "lib/report");
    tree.dir.write("lib/nn/bad.h", "#include \"report/table.h\"\n");
    tree.dir.write("lib/report/table.h", "#include <string>\n");
    expected = "lib/nn/bad.h:1: nn/ may not include report/";
  }
  SUBCASE("unknown folder") {
    fs::create_directories(tree.dir / "lib/util");
    expected = "lib/util: not a folder that architecture rules know";
  }
  SUBCASE("relative to itself") {
    tree.dir.write("lib/nn/bad.h", "#include \"dense.h\"\n");
    expected = "lib/nn/bad.h:1: no file \"dense.h\" under lib/";
  }
  SUBCASE("own header second") {
    tree.dir.write("lib/nn/dense.cpp", "#include <vector>\n#include \"nn/dense.h\"\n");
    expected = "lib/nn/dense.cpp: \"nn/dense.h\" must be its first include";
  }
  SUBCASE("the program from the library") {
    tree.dir.write("lib/nn/bad.h", "#include \"fit.h\"\n");
    expected = "lib/nn/bad.h:1: no file \"fit.h\" under lib/";
  }
  const std::vector<std::string> found = violations(tree.dir.path());
  REQUIRE(found.size() == 1);
  CHECK(found.front() == expected);
}

}  // namespace
}  // namespace iflow::test
