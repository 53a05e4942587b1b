// Ctrl-C and its relatives, for work that wants to leave things in order first.
#pragma once

namespace iflow {

// From now on SIGINT and SIGTERM are noted once; a second one ends the program at once.
void catch_interrupts();

// The signal that came, 0 if none.
int interrupt_signal();

}  // namespace iflow
