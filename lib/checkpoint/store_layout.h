// What the files of a checkpoint directory NAME.iflow/ are called.
//
//   model.json                 the commit point: everything readable, and which blobs belong to it
//   KIND-<hash>.safetensors    a blob, named by the hash of its content
//   log.jsonl                  the run as the clock saw it; informative only
//   .lock                      held by the one writer
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace iflow {

// Written to model.json as `format_version`; a build reads every version up to its own.
inline constexpr std::uint64_t kCheckpointFormat = 2;

// Far above any training history; a larger model.json is neither written nor read.
inline constexpr std::uint64_t kMaxModelBytes = 256u << 20;

inline constexpr std::string_view kModelFile = "model.json";
inline constexpr std::string_view kLogFile = "log.jsonl";
inline constexpr std::string_view kLockFile = ".lock";

// "weights" and the hash_hex() of its content -> "weights-<hash>.safetensors".
std::string blob_file(std::string_view kind, std::string_view checksum);

// Whether `name` is one that blob_file() gives for a kind of small letters and a hash.
bool is_blob_file(std::string_view name);

// The directory as it appears in messages and before file names: without trailing slashes.
std::string checkpoint_folder(std::string directory);

}  // namespace iflow
