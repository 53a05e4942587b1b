// The errors that reach a user, one class for each thing to put right: the command line, the data,
// the checkpoint. Library code throws them and never prints or exits; app/main.cpp catches once and
// turns each into its exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace iflow {

// Anything iflow reports on purpose; by itself a run-time failure (exit code 1): an output that
// can't be written, a full disk, training that diverged for good.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The command line or a config file asks for something that can't be (exit code 2).
class UsageError : public Error {
 public:
  using Error::Error;
};

// The input data can't be used; the message begins with file:line:field where there is one (exit
// code 3).
class DataError : public Error {
 public:
  using Error::Error;
};

// A checkpoint is missing, unreadable or corrupt; the message begins with its path (exit code 4).
class CheckpointError : public Error {
 public:
  using Error::Error;
};

// Arithmetic left the finite numbers or an iteration can't go on (exit code 1).
class NumericError : public Error {
 public:
  using Error::Error;
};

}  // namespace iflow
