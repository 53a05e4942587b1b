// A small model of images, fitted once per test program.
#pragma once

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "support/output.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace iflow::test {

// A plan that takes a second or two.
inline const std::string kSmallImageFit = " --blocks 3 --hidden 24 --steps 120 --batch 32 ";

// A folder with shapes.npy (300 images to train on), heldout.npy (40 others, of another seed),
// held/000001.png and so on (the first 12 of them), and the fit shapes.iflow.
inline const TempDir& shapes_folder() {
  struct Fitted {
    TempDir folder;
    Fitted() {
      const ProcessResult r = run_shell(
          "iflow toy shapes -n 300 -o shapes.npy &&"
          "iflow toy shapes -n 40 --seed 2 -o heldout.npy &&"
          "iflow toy shapes -n 12 --seed 2 -o held/ &&"
          "iflow fit shapes.npy --quiet" +
              kSmallImageFit,
          {.cwd = folder.path()});
      if (r.exit_code != 0) throw std::runtime_error("cannot fit the shapes: " + r.err);
    }
  };
  static const Fitted fitted;
  return fitted.folder;
}

inline ProcessResult in_shapes_folder(const std::string& script) {
  return run_shell(script, {.cwd = shapes_folder().path()});
}

// The output of a script that must succeed.
inline std::string image_output_of(const std::string& script) {
  const ProcessResult r = in_shapes_folder(script);
  CHECK_MESSAGE(r.exit_code == 0, (script + "\n" + r.err));
  return r.out;
}

}  // namespace iflow::test
