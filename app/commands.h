// The subcommands of iflow. Each adds itself to the program: its options, its help, and what runs
// when it is called. It throws the errors of base/error.h; an exit code that is no error (5, a
// promise that was missed; 130 after an interruption) leaves as CLI::RuntimeError(code).
#pragma once

#include <CLI/App.hpp>

namespace iflow {

void add_fit(CLI::App& program);
void add_logprob(CLI::App& program);
void add_sample(CLI::App& program);
void add_encode(CLI::App& program);
void add_decode(CLI::App& program);
void add_invert(CLI::App& program);
void add_eval(CLI::App& program);
void add_plot(CLI::App& program);
void add_compare(CLI::App& program);
void add_info(CLI::App& program);
void add_verify(CLI::App& program);
void add_toy(CLI::App& program);

}  // namespace iflow
