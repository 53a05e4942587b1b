// Writing a checkpoint directory: killed at any instant, it holds the old checkpoint or the new
// one, never a mixture.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"

namespace iflow {

// The one writer of a checkpoint directory, from construction to destruction.
//
// Every member throws Error, naming the directory or file and the system's reason.
class CheckpointWriter {
 public:
  // Makes the directory if need be (not its parents), locks it, and removes what a writer that was
  // killed left beside the checkpoint. One that it made goes again with the writer that never
  // committed anything. Throws Error if another writer holds it, UsageError if it is a directory of
  // other things.
  explicit CheckpointWriter(const std::string& directory);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Replaces the checkpoint. `model` is an object; `format_version` and `blobs` are filled in here.
  // Blobs that haven't changed are not rewritten; those that `blobs` lacks are removed.
  //
  // Throws NumericError, before anything is written, if a number in either isn't finite.
  void commit(nlohmann::json model, const std::map<std::string, Tensors>& blobs);

  // Removes log.jsonl: a new run begins.
  void clear_log();

  // Appends `line` and a newline to log.jsonl, which is no part of the checkpoint proper.
  void append_log(std::string_view line);

 private:
  void lock();

  std::string folder_;
  bool made_ = false;
  bool committed_ = false;
  int lock_ = -1;
};

}  // namespace iflow
