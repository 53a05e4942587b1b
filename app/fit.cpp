#include "commands.h"
#include "options.h"

namespace iflow {

void add_fit(CLI::App& program) {
  add_command(program, "fit", "Fit a flow to data by maximum likelihood", "iflow fit moons.csv");
}

}  // namespace iflow
