// Writing and reading a checkpoint directory when nobody is killed; see store_crash_test.cpp.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <string_view>

#include "base/error.h"
#include "checkpoint/store_layout.h"
#include "checkpoint/store_reader.h"
#include "checkpoint/store_writer.h"
#include "support/temp_dir.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using Blobs = std::map<std::string, Tensors>;

Tensors tensors_of(double value) {
  const std::vector<double> values = {value, 2 * value};
  return {{"w", Tensor::from<double>(values, {2})}};
}

Blobs sample_blobs() { return {{"weights", tensors_of(1.5)}, {"training", tensors_of(3.5)}}; }

const std::vector<std::string> kBothKinds = {"weights", "training"};

// A checkpoint of sample_blobs() in a folder of its own, to be damaged.
struct Sample {
  Sample() {
    CheckpointWriter(path).commit({{"flow", {{"blocks", 3}}}}, sample_blobs());
    model = json::parse(read("model.json"));
  }

  std::string file(const std::string& name) const { return path + "/" + name; }
  std::string read(const std::string& name) const { return folder.read("m.iflow/" + name); }
  void write(const std::string& name, const std::string& text) const {
    fs::remove(file(name));  // overwriting may wait for the disk
    folder.write("m.iflow/" + name, text);
  }
  void write_model() const { write("model.json", model.dump()); }
  std::string blob_name(const std::string& kind) const { return model["blobs"][kind]["name"]; }

  void check_load_fails(const std::string& message) const {
    CHECK_THROWS_WITH_AS(load_checkpoint(path, kBothKinds), message.c_str(), CheckpointError);
  }

  test::TempDir folder;
  std::string path = (folder / "m.iflow").string();
  json model;
};

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

TEST_CASE("what was committed is what is loaded") {
  const Sample sample;
  const Checkpoint all = load_checkpoint(sample.path, kBothKinds);
  CHECK(all.blobs == sample_blobs());
  CHECK(all.model["flow"]["blocks"] == 3);
  CHECK(all.model["format_version"] == kCheckpointFormat);

  const Checkpoint some = load_checkpoint(sample.path + "/", {"weights"});
  CHECK(some.blobs == Blobs{{"weights", tensors_of(1.5)}});
  CHECK(load_checkpoint(sample.path, {}).blobs.empty());
}

TEST_CASE("checkpoint_exists tells whether there is a model.json") {
  const Sample sample;
  CHECK(checkpoint_exists(sample.path));
  CHECK_FALSE(checkpoint_exists(sample.folder.path().string()));
  CHECK_FALSE(checkpoint_exists(sample.file("model.json")));
}

TEST_CASE("a checkpoint consists of the files it should") {
  const Sample sample;
  CHECK(names_in(sample.path) == std::set<std::string>{".lock", "model.json",
                                                       sample.blob_name("weights"),
                                                       sample.blob_name("training")});
  CHECK(is_blob_file(sample.blob_name("weights")));
  CHECK(sample.read(".lock").empty());
}

TEST_CASE("equal contents give equal bytes") {
  const Sample one, two;
  CHECK(one.read("model.json") == two.read("model.json"));
  const std::string blob = one.blob_name("weights");
  CHECK(one.read(blob) == two.read(blob));
}

TEST_CASE("numbers in model.json round-trip exactly, keys are sorted, lines are short") {
  const test::TempDir folder;
  const std::string path = (folder / "m.iflow").string();
  const std::vector<double> numbers = {
      0.1,           1.0 / 3.0, 1e300,
      5e-324,        -0.0,      3.0,
      123456789.125, 1e-17,     std::numeric_limits<double>::max()};
  CheckpointWriter(path).commit({{"z", numbers},
                                 {"single", 0.1f},
                                 {"most", UINT64_MAX},
                                 {"least", INT64_MIN},
                                 {"name", "Größe \"x\"\n"}},
                                {});
  const json model = load_checkpoint(path, {}).model;
  const auto again = model["z"].get<std::vector<double>>();
  REQUIRE(again.size() == numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    CAPTURE(numbers[i]);
    CHECK(std::bit_cast<std::uint64_t>(again[i]) == std::bit_cast<std::uint64_t>(numbers[i]));
    CHECK(model["z"][i].is_number_float());
  }
  CHECK(model["single"].get<float>() == 0.1f);
  CHECK(model["most"].get<std::uint64_t>() == UINT64_MAX);
  CHECK(model["least"].get<std::int64_t>() == INT64_MIN);
  CHECK(model["name"] == "Größe \"x\"\n");
  const std::string text = folder.read("m.iflow/model.json");
  CHECK(text.starts_with("{\n \"blobs\": {},\n \"format_version\": 2,\n \"least\""));
  CHECK(text.ends_with("}\n"));
}

TEST_CASE("what can't be stored is refused before anything is written") {
  const Sample sample;
  const auto names = names_in(sample.path);
  const std::string text = sample.read("model.json");
  CheckpointWriter writer(sample.path);
  CHECK_THROWS_WITH_AS(
      writer.commit({{"history", {{{"loss", std::nan("")}}}}}, {}),
      (sample.path + "/model.json: /history/0/loss is not a finite number").c_str(), NumericError);
  CHECK_THROWS_WITH_AS(writer.commit({}, {{"weights", tensors_of(INFINITY)}}),
                       "tensor w: element 0 is inf", NumericError);
  CHECK_THROWS_WITH_AS(
      writer.commit({{"column", "caf\xe9"}}, {{"weights", tensors_of(9)}}),
      (sample.path + "/model.json: cannot write: a name or text is not valid UTF-8").c_str(),
      Error);
  CHECK(names_in(sample.path) == names);
  CHECK(sample.read("model.json") == text);
}

TEST_CASE("unchanged blobs are left alone, changed ones replaced, unnamed ones removed") {
  const Sample sample;
  const auto inode = [&](const std::string& name) {
    struct stat status {};
    REQUIRE(::stat(sample.file(name).c_str(), &status) == 0);
    return status.st_ino;
  };
  const auto weights_before = inode(sample.blob_name("weights"));
  // Held open, so that its inode can't be given to a new file.
  const std::ifstream held(sample.file(sample.blob_name("weights")));

  CheckpointWriter writer(sample.path);
  writer.commit({}, {{"weights", tensors_of(1.5)}, {"training", tensors_of(4)}});
  CHECK(inode(sample.blob_name("weights")) == weights_before);
  CHECK_FALSE(fs::exists(sample.file(sample.blob_name("training"))));
  CHECK(load_checkpoint(sample.path, kBothKinds).blobs["training"] == tensors_of(4));

  writer.commit({}, {{"weights", tensors_of(1.5)}});
  CHECK(names_in(sample.path) ==
        std::set<std::string>{".lock", "model.json", sample.blob_name("weights")});
}

TEST_CASE("a damaged blob is rewritten although its name says that it is there") {
  const Sample sample;
  const std::string name = sample.blob_name("weights");
  const std::string good = sample.read(name);
  std::string bad = good;
  bad.back() ^= 1;
  for (const std::string& damaged : {bad, good.substr(1), std::string()}) {
    sample.write(name, damaged);
    CheckpointWriter(sample.path).commit({}, sample_blobs());
    CHECK(sample.read(name) == good);
  }
}

TEST_CASE("a commit removes leftovers of its own kind and nothing else") {
  const Sample sample;
  const std::string hash(32, '0');
  const std::vector<std::string> leftovers = {".iflow-123-0.tmp",
                                              "training-" + hash + ".safetensors"};
  const std::vector<std::string> foreign = {"notes.txt",
                                            "weights.safetensors",
                                            "weights-" + hash + ".safetensors.bak",
                                            "weights-0" + hash + ".safetensors",
                                            "-" + hash + ".safetensors",
                                            "log.jsonl"};
  for (const std::string& name : leftovers) sample.write(name, "x");
  for (const std::string& name : foreign) sample.write(name, "x");
  CheckpointWriter(sample.path).commit({}, sample_blobs());
  for (const std::string& name : leftovers) CHECK_FALSE(fs::exists(sample.file(name)));
  for (const std::string& name : foreign) CHECK(sample.read(name) == "x");
}

TEST_CASE("a writer removes what a kill left beside the checkpoint, unless that is damaged") {
  const Sample sample;
  const std::set<std::string> names = names_in(sample.path);
  const std::vector<std::string> leftovers = {".iflow-123-0.tmp",
                                              "training-" + std::string(32, '0') + ".safetensors"};
  const auto leave = [&] {
    for (const std::string& name : leftovers) sample.write(name, "x");
  };
  leave();
  CheckpointWriter(sample.path);
  CHECK(names_in(sample.path) == names);
  CHECK(load_checkpoint(sample.path, kBothKinds).blobs == sample_blobs());

  leave();
  sample.write("model.json", "{");
  CheckpointWriter(sample.path);
  CHECK(names_in(sample.path).size() == names.size() + leftovers.size());
}

TEST_CASE("one writer at a time; readers don't mind") {
  const Sample sample;
  {
    const CheckpointWriter writer(sample.path);
    CHECK_THROWS_WITH_AS(
        CheckpointWriter(sample.path),
        (sample.path + ": in use: another iflow is writing this checkpoint").c_str(), Error);
    CHECK(load_checkpoint(sample.path, kBothKinds).blobs == sample_blobs());
  }
  CHECK_NOTHROW(CheckpointWriter(sample.path));
}

TEST_CASE("a writer refuses what is no checkpoint directory") {
  const test::TempDir folder;
  const std::string root = folder.path().string();
  const std::string file = folder.write("notes.txt", "x").string();
  CHECK_THROWS_WITH_AS(CheckpointWriter{file}, (file + ": a file is in the way").c_str(), Error);
  CHECK_THROWS_WITH_AS(CheckpointWriter{root},
                       (root + ": holds other files and no checkpoint; choose a new name").c_str(),
                       UsageError);
  CHECK(names_in(root) == std::set<std::string>{"notes.txt"});
  CHECK_THROWS_WITH_AS(CheckpointWriter{root + "/none/m.iflow"},
                       (root + "/none/m.iflow: cannot make the checkpoint directory: "
                               "No such file or directory")
                           .c_str(),
                       Error);
}

TEST_CASE("a blob's kind is a word of small letters") {
  const Sample sample;
  CheckpointWriter writer(sample.path);
  for (const char* kind : {"", "../x", "Weights", "a-b"}) {
    CHECK_THROWS_AS(writer.commit({}, {{kind, tensors_of(1)}}), std::invalid_argument);
  }
}

TEST_CASE("the log grows by lines") {
  const Sample sample;
  CheckpointWriter writer(sample.path);
  writer.append_log(R"({"step": 1})");
  writer.append_log(R"({"step": 2})");
  writer.commit({}, sample_blobs());
  writer.append_log(R"({"step": 3})");
  CHECK(sample.read("log.jsonl") == "{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n");
  writer.clear_log();
  writer.clear_log();
  writer.append_log(R"({"step": 4})");
  CHECK(sample.read("log.jsonl") == "{\"step\": 4}\n");
}

TEST_CASE("a writer that commits nothing leaves nothing of its own") {
  const test::TempDir folder;
  const std::string path = (folder.path() / "m.iflow").string();
  CheckpointWriter(path).append_log("{}");
  CHECK_FALSE(fs::exists(path));
  fs::create_directory(path);
  CheckpointWriter(path).append_log("{}");
  CHECK(fs::exists(path));
  const Sample sample;
  CheckpointWriter(sample.path).append_log("{}");
  CHECK(load_checkpoint(sample.path, kBothKinds).blobs == sample_blobs());
}

// Commits in a child process that can't write files of more than `bytes`. Returns its wait status:
// 0 if that threw an Error beginning with `path`.
int commit_with_file_limit(const std::string& path, rlim_t bytes) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit = {bytes, bytes};
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      CheckpointWriter(path).commit({}, {{"weights", tensors_of(8)}});
      ::_exit(1);
    } catch (const CheckpointError&) {
      ::_exit(2);
    } catch (const Error& error) {
      ::_exit(std::string_view(error.what()).starts_with(path) ? 0 : 3);
    }
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("a full disk gives an error and leaves the old checkpoint") {
  const Sample sample;
  const auto names = names_in(sample.path);
  const rlim_t blob_size = sample.model["blobs"]["weights"]["size"];
  CHECK(commit_with_file_limit(sample.path, blob_size - 1) == 0);
  CHECK(names_in(sample.path) == names);
  CHECK(load_checkpoint(sample.path, kBothKinds).blobs == sample_blobs());

  // Now only model.json doesn't fit.
  CHECK(commit_with_file_limit(sample.path, blob_size) == 0);
  CHECK(names_in(sample.path).size() == names.size() + 1);
  CHECK(load_checkpoint(sample.path, kBothKinds).blobs == sample_blobs());
}

TEST_CASE("loading says what a path is if it is no checkpoint") {
  const test::TempDir folder;
  const std::string root = folder.path().string();
  const auto check = [](const std::string& path, const std::string& problem) {
    CHECK_THROWS_WITH_AS(load_checkpoint(path, {}), (path + problem).c_str(), CheckpointError);
  };
  check(root + "/none.iflow", ": no such checkpoint");
  check(folder.write("file", "x").string(), ": not a checkpoint: it is a file, not a directory");
  check(root, ": not a checkpoint: there is no model.json in it");
  fs::create_directory(root + "/model.json");
  CHECK_THROWS_WITH_AS(load_checkpoint(root, {}),
                       (root + "/model.json: not a regular file").c_str(), CheckpointError);
}

TEST_CASE("model.json: damage, size and format version") {
  Sample sample;
  const std::string model_path = sample.file("model.json");
  sample.write("model.json", "{\"format_version\": 1,\n\"blobs\": }");
  CHECK_THROWS_WITH_AS(load_checkpoint(sample.path, {}),
                       doctest::Contains((model_path + ": malformed JSON: parse error at line 2, "
                                                       "column 10")
                                             .c_str()),
                       CheckpointError);
  sample.write("model.json", "[]");
  sample.check_load_fails(model_path + ": expected an object, got an array");

  sample.write("model.json", "");
  fs::resize_file(model_path, kMaxModelBytes + 1);  // a hole: takes no room on the disk
  sample.check_load_fails(model_path +
                          ": 268435457 bytes, more than the 268435456 a model may have");

  sample.model["format_version"] = 3;
  sample.write_model();
  sample.check_load_fails(sample.path +
                          ": written by a newer iflow (format 3; this build reads up to 2)");
  sample.model["format_version"] = 0;
  sample.write_model();
  sample.check_load_fails(model_path + ": format_version: formats count from 1");
  sample.model["format_version"] = "1";
  sample.write_model();
  sample.check_load_fails(model_path +
                          ": format_version: expected an integer from 0 to "
                          "18446744073709551615, got \"1\"");
  sample.model.erase("format_version");
  sample.write_model();
  sample.check_load_fails(model_path + ": format_version: missing");
}

TEST_CASE("model.json: a blob table that can't be trusted") {
  const Sample intact;
  const auto check = [&](auto damage, const std::string& problem) {
    Sample sample;
    damage(sample.model["blobs"]);
    sample.write_model();
    sample.check_load_fails(sample.file("model.json") + ": " + problem);
  };
  const std::string hash(32, '0');
  const std::string wrong_name = "blobs.weights.name: not the name that kind and checksum give";
  check([](json& blobs) { blobs = 7; }, "blobs: expected an object, got 7");
  check([](json& blobs) { blobs.erase("weights"); }, "blobs: there is no \"weights\"");
  check([](json& blobs) { blobs["weights"].erase("size"); }, "blobs.weights.size: missing");
  check([](json& blobs) { blobs["weights"]["size"] = -1; },
        "blobs.weights.size: expected an integer from 0 to 18446744073709551615, got -1");
  check([](json& blobs) { blobs["weights"]["chksum"] = 1; },
        "blobs.weights.chksum: unknown key; the nearest is \"checksum\"");
  check([](json& blobs) { blobs["weights"]["name"] = "../../etc/passwd"; }, wrong_name);
  check([](json& blobs) { blobs["weights"]["name"] = blobs["training"]["name"]; }, wrong_name);
  check([](json& blobs) { blobs["weights"] = blobs["training"]; }, wrong_name);
  check([&](json& blobs) { blobs["weights"]["checksum"] = hash; }, wrong_name);
  check(
      [](json& blobs) {
        blobs["weights"]["checksum"] = "/../x";
        blobs["weights"]["name"] = "weights-/../x.safetensors";
      },
      wrong_name);
  check(
      [&](json& blobs) {
        blobs["../x"] = {
            {"name", "../x-" + hash + ".safetensors"}, {"size", 1}, {"checksum", hash}};
      },
      "blobs.../x.name: not the name that kind and checksum give");
}

TEST_CASE("a blob: missing, short, long, damaged, not a file") {
  const Sample sample;
  const std::string name = sample.blob_name("weights");
  const std::string good = sample.read(name);

  sample.write(name, good.substr(0, good.size() - 12));
  sample.check_load_fails(sample.path + ": weights file is 12 bytes short (" + name + ")");
  sample.write(name, good + "xy");
  sample.check_load_fails(sample.path + ": weights file is 2 bytes too long (" + name + ")");
  fs::resize_file(sample.file(name), std::uintmax_t{1} << 40);  // sparse: never read
  CHECK_THROWS_WITH_AS(load_checkpoint(sample.path, kBothKinds),
                       doctest::Contains("bytes too long"), CheckpointError);

  // What nobody asks for isn't looked at.
  CHECK_NOTHROW(load_checkpoint(sample.path, {"training"}));

  fs::remove(sample.file(name));
  sample.check_load_fails(sample.path + ": weights file is missing (" + name + ")");
  REQUIRE(::mkfifo(sample.file(name).c_str(), 0600) == 0);
  sample.check_load_fails(sample.file(name) + ": not a regular file");
}

TEST_CASE("a changed byte of a blob never goes unnoticed") {
  const Sample sample;
  const std::string name = sample.blob_name("weights");
  const std::string good = sample.read(name);
  for (std::size_t place = 0; place < good.size(); ++place) {
    std::string damaged = good;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x10);
    sample.write(name, damaged);
    CAPTURE(place);
    sample.check_load_fails(sample.file(name) +
                            ": damaged: its content doesn't match its checksum");
  }
}

TEST_CASE("a changed byte of model.json is an error or leaves the blobs as they were") {
  const Sample sample;
  const std::string good = sample.read("model.json");
  int refused = 0;
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (const int flip : {0x01, 0x02, 0x10, 0x80}) {
      std::string damaged = good;
      damaged[place] = static_cast<char>(damaged[place] ^ flip);
      sample.write("model.json", damaged);
      try {
        if (load_checkpoint(sample.path, kBothKinds).blobs != sample_blobs()) FAIL_CHECK(damaged);
      } catch (const CheckpointError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 2 * static_cast<int>(good.size()));
}

}  // namespace
}  // namespace iflow
