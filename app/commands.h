// The subcommands of iflow. Each adds itself to the program: its options, its help, and what runs
// when it is called. It throws the errors of base/error.h; an exit code that is no error (5, a
// promise that was missed; 130 after an interruption) leaves as CLI::RuntimeError(code).
#pragma once

#include <CLI/App.hpp>

namespace iflow {

void add_fit(CLI::App& program);

}  // namespace iflow
