// The include rules of the source tree: a folder of lib/ includes only itself and folders below
// it, app/ includes itself and lib/, and a .cpp includes its own header first, which proves that
// the header compiles on its own.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace iflow::test {
namespace {

namespace fs = std::filesystem;

// From the top of the house to its foundation; arrows go down only.
const std::vector<std::string> kFolders = {
    "app",        "fit",       "checkpoint", "model",   "recipes", "train",
    "objective",  "baselines", "flow",       "mixture", "nn",      "autodiff",
    "preprocess", "report",    "data",       "kernels", "base"};

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

// Height of a folder, 0 for the top; kFolders.size() for one that isn't in the list.
size_t level(const std::string& folder) {
  return static_cast<size_t>(std::find(kFolders.begin(), kFolders.end(), folder) -
                             kFolders.begin());
}

// Everything wrong with the tree under `root`, a line each: "lib/nn/dense.h:7: ...".
std::vector<std::string> violations(const fs::path& root) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(root / "lib")) {
    const std::string folder = entry.path().filename();
    if (!entry.is_directory() || folder == "app" || level(folder) == kFolders.size()) {
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
        } else if (level(target_folder) < level(folder)) {
          found.push_back(where + folder + "/ may not include " + target_folder +
                          "/, which is above it");
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

TEST_CASE("include arrows: a good tree has no violation") {
  const Tree tree;
  CHECK(violations(tree.dir.path()).empty());
}

TEST_CASE("include arrows: each rule finds its violation") {
  const Tree tree;
  std::string expected;
  SUBCASE("upwards") {
    tree.dir.write("lib/base/bad.h", "\n # include \"nn/dense.h\"  // up\n");
    expected = "lib/base/bad.h:2: base/ may not include nn/, which is above it";
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
