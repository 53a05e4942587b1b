// How much memory a fit takes.
#pragma once

#include <string>

#include "train/trainer.h"

namespace iflow {

// What the training holds and the most that the process has held so far, in a line. The trainer has
// started.
std::string memory_text(Trainer& trainer);

}  // namespace iflow
