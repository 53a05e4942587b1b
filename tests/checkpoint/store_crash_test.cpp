// The promise of the checkpoint directory: killed at any instant, it holds the old checkpoint or
// the new one, never a mixture; and readers always see one of them.
#include <doctest/doctest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "checkpoint/store_reader.h"
#include "checkpoint/store_writer.h"
#include "support/temp_dir.h"

namespace iflow {
namespace {

namespace fs = std::filesystem;

using Blobs = std::map<std::string, Tensors>;

// The training blob changes with every commit, the weights with every second; all of it follows
// from the step, so that a mixture of two commits shows.
Blobs blobs_at(std::uint64_t step) {
  const std::vector<std::uint64_t> weights(200, step / 2), training(500, step);
  return {{"weights", {{"w", Tensor::from<std::uint64_t>(weights, {200})}}},
          {"training", {{"m", Tensor::from<std::uint64_t>(training, {500})}}}};
}

void commit_step(CheckpointWriter& writer, std::uint64_t step) {
  writer.commit({{"step", step}}, blobs_at(step));
}

// Loads the checkpoint and returns its step; the blobs must be those of that step.
std::uint64_t loaded_step(const std::string& path) {
  const Checkpoint checkpoint = load_checkpoint(path, {"weights", "training"});
  const std::uint64_t step = checkpoint.model["step"];
  if (checkpoint.blobs != blobs_at(step)) FAIL_CHECK("a mixture at step " << step);
  return step;
}

std::ptrdiff_t files_in(const std::string& path) {
  return std::distance(fs::directory_iterator(path), fs::directory_iterator());
}

constexpr std::ptrdiff_t kFiles = 4;  // model.json, .lock and two blobs

// A commit after a kill finds the lock free and leaves no trace of what was left behind.
void check_recovery(const std::string& path) {
  CheckpointWriter writer(path);
  commit_step(writer, 1);
  CHECK(loaded_step(path) == 1);
  CHECK(files_in(path) == kFiles);
}

// A child process that runs `work` and ends without unwinding; killed with its object at the
// latest.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) : pid_(::fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) return;
    try {
      work();
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  ~Child() {
    if (pid_ > 0) kill();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

  // The status of the next wait.
  int wait() {
    int status = -1;
    ::waitpid(pid_, &status, 0);
    if (WIFEXITED(status) || WIFSIGNALED(status)) pid_ = -1;
    return status;
  }

  // Returns whether it was still at work.
  bool kill() {
    ::kill(pid_, SIGKILL);
    int status = wait();
    while (pid_ > 0) status = wait();  // a traced child reports its stops first
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t pid_;
};

void commit_for_ever(const std::string& path, std::uint64_t first_step) {
  CheckpointWriter writer(path);
  for (std::uint64_t step = first_step;; ++step) commit_step(writer, step);
}

TEST_CASE("killed at random moments, the directory holds one whole commit") {
  const test::TempDir folder;
  const std::string path = (folder / "m.iflow").string();
  // The moments spread over a few commits, however long this disk takes for one.
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t step = 0;
  {
    CheckpointWriter writer(path);
    for (; step < 3; ++step) commit_step(writer, step);
  }
  const std::chrono::duration<double> three_commits = std::chrono::steady_clock::now() - start;
  step = loaded_step(path);
  std::mt19937 random(11);
  std::uniform_real_distribution<double> fraction;
  for (int round = 0; round < 25; ++round) {
    Child child([&] { commit_for_ever(path, step + 1); });
    std::this_thread::sleep_for(three_commits * fraction(random));
    REQUIRE(child.kill());
    const std::uint64_t step_now = loaded_step(path);
    CHECK(step_now >= step);
    step = step_now;
  }
  CHECK(step > 10);  // else the kills came too early to mean anything
  check_recovery(path);
}

// Lets `child` run to its n-th entry into or exit from a system call (counted alike) and kills it
// there. Returns whether it got that far.
bool kill_at_system_call(Child& child, int n) {
  int status = child.wait();  // the stop that it asked for
  for (int i = 0; i < n && WIFSTOPPED(status); ++i) {
    if (::ptrace(PTRACE_SYSCALL, child.pid(), nullptr, nullptr) != 0) return false;
    status = child.wait();
  }
  return WIFSTOPPED(status) && child.kill();
}

bool can_trace() {
  Child child([] {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    ::raise(SIGSTOP);
  });
  return WIFSTOPPED(child.wait());
}

// What a process leaves behind when it is killed changes only at its system calls, so this covers
// every instant of a commit.
TEST_CASE("killed after any system call, the directory holds one whole commit") {
  if (!can_trace()) {
    MESSAGE("not run: this system doesn't let a process trace its child");
    return;
  }
  const test::TempDir folder;
  const std::string original = (folder / "original.iflow").string();
  {
    CheckpointWriter writer(original);
    commit_step(writer, 5);
  }
  bool old_seen = false, new_seen = false, killed = true;
  int leftovers_seen = 0;
  for (int n = 0; killed; n += 2) {  // even stops: exits, after which the next call has not begun
    CAPTURE(n);
    const std::string path = (folder / ("copy" + std::to_string(n) + ".iflow")).string();
    fs::copy(original, path);
    Child child([&] {
      CheckpointWriter writer(path);
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      commit_step(writer, 6);
    });
    killed = kill_at_system_call(child, n);
    const std::uint64_t step = loaded_step(path);
    CHECK((step == 5 || step == 6));
    CHECK_FALSE((new_seen && step == 5));  // one instant divides old from new
    (step == 5 ? old_seen : new_seen) = true;
    if (files_in(path) > kFiles) ++leftovers_seen;
    if (n % 20 == 0) check_recovery(path);
  }
  CHECK(old_seen);
  CHECK(new_seen);
  CHECK(leftovers_seen > 10);  // there were kills half way
}

TEST_CASE("a first commit that is killed leaves no checkpoint, and the next succeeds") {
  const test::TempDir folder;
  const std::string path = (folder / "m.iflow").string();
  Child child([&] {
    const CheckpointWriter writer(path);
    AtomicFile unfinished(path + "/model.json");
    unfinished.write("{");
    ::_exit(0);
  });
  REQUIRE(child.wait() == 0);
  CHECK(files_in(path) == 2);  // .lock and a temporary file
  CHECK_FALSE(checkpoint_exists(path));
  CHECK_THROWS_AS(load_checkpoint(path, {}), CheckpointError);
  check_recovery(path);
}

TEST_CASE("a reader beside a writer always sees one whole commit") {
  const test::TempDir folder;
  const std::string path = (folder / "m.iflow").string();
  {
    CheckpointWriter writer(path);
    commit_step(writer, 0);
  }
  Child child([&] { commit_for_ever(path, 1); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::uint64_t last = 0;
  while (last < 25 && std::chrono::steady_clock::now() < deadline) {
    const std::uint64_t step = loaded_step(path);
    REQUIRE(step >= last);
    last = step;
  }
  CHECK(last >= 25);
  REQUIRE(child.kill());
}

// The lock dies with its process.
TEST_CASE("a writer in another process holds the lock until it is killed") {
  const test::TempDir folder;
  const std::string path = (folder / "m.iflow").string();
  Child child([&] {
    const CheckpointWriter writer(path);
    ::raise(SIGSTOP);
  });
  int status = 0;
  REQUIRE(::waitpid(child.pid(), &status, WUNTRACED) == child.pid());
  REQUIRE(WIFSTOPPED(status));
  CHECK_THROWS_WITH_AS(CheckpointWriter{path}, doctest::Contains("in use"), Error);
  REQUIRE(child.kill());
  check_recovery(path);
}

}  // namespace
}  // namespace iflow
