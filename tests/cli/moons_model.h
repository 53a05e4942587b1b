// A small model of the moons, fitted once per test program.
#pragma once

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "support/output.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace iflow::test {

// A folder with moons.csv (2,000 rows to train on), heldout.csv (500 others, of another seed) and
// the fit moons.iflow.
inline const TempDir& moons_folder() {
  struct Fitted {
    TempDir folder;
    Fitted() {
      const ProcessResult r = run_shell(
          "iflow toy moons -n 2000 -o moons.csv &&"
          "iflow toy moons -n 500 --seed 2 -o heldout.csv &&"
          "iflow fit moons.csv --blocks 6 --hidden 16,16 --steps 400 --quiet",
          {.cwd = folder.path()});
      if (r.exit_code != 0) throw std::runtime_error("cannot fit the moons: " + r.err);
    }
  };
  static const Fitted fitted;
  return fitted.folder;
}

// A script for bash in that folder.
inline ProcessResult in_moons_folder(const std::string& script) {
  return run_shell(script, {.cwd = moons_folder().path()});
}

// The output of a script that must succeed without a word on stderr.
inline std::string output_of(const std::string& script) {
  const ProcessResult r = in_moons_folder(script);
  CHECK_MESSAGE(r.exit_code == 0, script);
  CHECK_MESSAGE(r.err == "", script);
  return r.out;
}

}  // namespace iflow::test
