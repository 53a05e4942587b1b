// Reading a checkpoint directory, whoever is writing to it meanwhile.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace iflow {

// The parts of one commit, never of two. `model` is an object whose format version and blob table
// have been checked, and nothing else of it; a blob's bytes match its checksum.
struct Checkpoint {
  nlohmann::json model;
  std::map<std::string, Tensors> blobs;  // by kind ("weights", "training")
};

// Loads model.json and the blobs of the given kinds from `directory`. Takes no lock: when a blob is
// gone because another commit replaced it, reads the new model.json and its blobs instead.
//
// Throws CheckpointError, beginning with the directory or the file, for whatever is missing,
// unreadable, malformed or damaged, and for a format newer than this build.
Checkpoint load_checkpoint(const std::string& directory, const std::vector<std::string>& kinds);

// The names of the blobs that `directory`'s model.json names, wanted or not, there or not.
//
// Throws CheckpointError as load_checkpoint() does.
std::set<std::string> blobs_of_checkpoint(const std::string& directory);

// Whether there is a model.json in `directory`, be it good or bad.
bool checkpoint_exists(const std::string& directory);

}  // namespace iflow
