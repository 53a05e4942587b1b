#include "checkpoint/store_reader.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/json_fields.h"
#include "checkpoint/store_layout.h"
#include "checkpoint/stored_file.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string inside(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

// What model.json says of one blob.
struct BlobEntry {
  std::string kind;
  std::string name;
  std::uint64_t size;
  std::string checksum;
};

[[noreturn]] void fail_without_model(const std::string& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::status(folder, ignored);
  if (!fs::exists(status)) throw CheckpointError(folder + ": no such checkpoint");
  throw CheckpointError(folder + ": not a checkpoint: there is no " + std::string(kModelFile) +
                        " in it");
}

std::string read_model_text(const std::string& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::status(folder, ignored);
  if (fs::exists(status) && !fs::is_directory(status)) {
    throw CheckpointError(folder + ": not a checkpoint: it is a file, not a directory");
  }
  const std::string path = inside(folder, kModelFile);
  const std::optional<StoredFile> file = StoredFile::open(path);
  if (!file) fail_without_model(folder);
  if (file->size() > kMaxModelBytes) {
    throw CheckpointError(path + ": " + std::to_string(file->size()) + " bytes, more than the " +
                          std::to_string(kMaxModelBytes) + " a model may have");
  }
  const std::vector<std::byte> bytes = file->read();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_format(JsonFields& model, const std::string& folder) {
  const auto version = model.get<std::uint64_t>("format_version");
  if (version == 0) model.fail("format_version", "formats count from 1");
  if (version <= kCheckpointFormat) return;
  throw CheckpointError(folder + ": written by a newer iflow (format " + std::to_string(version) +
                        "; this build reads up to " + std::to_string(kCheckpointFormat) + ")");
}

// Every entry is checked, wanted or not. The name follows from the rest, so it can't lead
// elsewhere.
std::map<std::string, BlobEntry> read_blob_table(JsonFields& model) {
  JsonFields table = model.object("blobs");
  std::map<std::string, BlobEntry> entries;
  for (const std::string& kind : table.keys()) {
    JsonFields fields = table.object(kind);
    BlobEntry entry{kind, fields.get<std::string>("name"), fields.get<std::uint64_t>("size"),
                    fields.get<std::string>("checksum")};
    fields.finish();
    if (entry.name != blob_file(kind, entry.checksum) || !is_blob_file(entry.name)) {
      fields.fail("name", "not the name that kind and checksum give");
    }
    entries.emplace(kind, std::move(entry));
  }
  return entries;
}

void check_size(const std::string& folder, const BlobEntry& entry, std::uint64_t found) {
  if (found == entry.size) return;
  const std::string difference = found < entry.size
                                     ? std::to_string(entry.size - found) + " bytes short"
                                     : std::to_string(found - entry.size) + " bytes too long";
  throw CheckpointError(folder + ": " + entry.kind + " file is " + difference + " (" + entry.name +
                        ")");
}

// Nothing if the file is gone.
std::optional<Tensors> load_blob(const std::string& folder, const BlobEntry& entry) {
  const std::string path = inside(folder, entry.name);
  const std::optional<StoredFile> file = StoredFile::open(path);
  if (!file) return std::nullopt;
  check_size(folder, entry, file->size());
  const std::vector<std::byte> bytes = file->read();
  if (hash_hex(bytes) != entry.checksum) {
    throw CheckpointError(path + ": damaged: its content doesn't match its checksum");
  }
  return decode_safetensors(bytes, path);
}

json parse_model(const std::string& folder, const std::string& text) {
  return parse_json(text, inside(folder, kModelFile), throw_as<CheckpointError>);
}

// The fields of `model`, whose format this build reads.
JsonFields checked_fields(const json& model, const std::string& folder) {
  JsonFields fields(model, inside(folder, kModelFile), throw_as<CheckpointError>);
  check_format(fields, folder);
  return fields;
}

// Loads what `model_text` describes into `checkpoint`; returns the blob that is gone, if one is.
std::optional<BlobEntry> load_parts(const std::string& folder, const std::string& model_text,
                                    const std::vector<std::string>& kinds, Checkpoint& checkpoint) {
  checkpoint.model = parse_model(folder, model_text);
  JsonFields model = checked_fields(checkpoint.model, folder);
  const std::map<std::string, BlobEntry> table = read_blob_table(model);
  for (const std::string& kind : kinds) {
    const auto entry = table.find(kind);
    if (entry == table.end()) model.fail("blobs", "there is no \"" + kind + "\"");
    std::optional<Tensors> tensors = load_blob(folder, entry->second);
    if (!tensors) return entry->second;
    checkpoint.blobs[kind] = *std::move(tensors);
  }
  return std::nullopt;
}

}  // namespace

Checkpoint load_checkpoint(const std::string& directory, const std::vector<std::string>& kinds) {
  const std::string folder = checkpoint_folder(directory);
  for (std::optional<std::string> text_before;;) {
    std::string text = read_model_text(folder);
    Checkpoint checkpoint;
    const std::optional<BlobEntry> gone = load_parts(folder, text, kinds, checkpoint);
    if (!gone) return checkpoint;
    // Gone although nothing has been committed since: it is missing for good.
    if (text == text_before) {
      throw CheckpointError(folder + ": " + gone->kind + " file is missing (" + gone->name + ")");
    }
    text_before = std::move(text);
  }
}

std::set<std::string> blobs_of_checkpoint(const std::string& directory) {
  const std::string folder = checkpoint_folder(directory);
  const json model = parse_model(folder, read_model_text(folder));
  JsonFields fields = checked_fields(model, folder);
  std::set<std::string> names;
  for (const auto& [kind, entry] : read_blob_table(fields)) names.insert(entry.name);
  return names;
}

bool checkpoint_exists(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(inside(checkpoint_folder(directory), kModelFile), ignored);
}

}  // namespace iflow
