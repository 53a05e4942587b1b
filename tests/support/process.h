// Runs programs as their users do: real pipes, real signals, real exit codes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace iflow::test {

struct ProcessOptions {
  // Sent through a pipe, which is then closed.
  std::string stdin_text = {};
  // Changes to the environment; nullopt removes a variable.
  std::map<std::string, std::optional<std::string>> env = {};
  std::filesystem::path cwd = ".";
  std::chrono::milliseconds timeout{120'000};
};

struct ProcessResult {
  int exit_code = -1;  // 128 + n after signal n, as a shell says it
  std::string out;
  std::string err;
};

// A running program, in a process group of its own. Whatever is left of the group is killed when
// the object goes away.
class Process {
 public:
  // Starts argv[0], found through PATH unless it has a slash. The folder of the iflow executable
  // comes first on the program's own PATH. Throws std::system_error if it can't be started.
  explicit Process(const std::vector<std::string>& argv, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // What has been written so far.
  std::string out() const;
  std::string err() const;

  // Sends a signal to the whole group: the program and the children it has.
  void signal(int number) const;

  // Waits until `text` has appeared on stderr (stdout). Throws std::runtime_error, with all output
  // so far, if the program ends without it or the timeout passes.
  void wait_for_err(const std::string& text);
  void wait_for_out(const std::string& text);

  // Waits for the end. Throws std::runtime_error, with all output so far, when options.timeout
  // passes first; the group is killed then.
  ProcessResult wait();

 private:
  bool ended();
  void wait_for_text(int output, const std::string& text);
  [[noreturn]] void fail(const std::string& what);

  std::string name_;  // the command, for messages
  std::chrono::steady_clock::time_point deadline_;
  pid_t pid_ = -1;
  int out_ = -1;  // anonymous files that receive stdout and stderr, so that no reader is needed
  int err_ = -1;
  std::optional<int> exit_code_;
  std::thread writer_;
};

// Path of the iflow executable under test. Throws std::runtime_error if the build has none.
std::filesystem::path iflow_executable();

// Runs a program to its end; see Process.
ProcessResult run(const std::vector<std::string>& argv, ProcessOptions options = {});

// iflow ARGUMENTS
ProcessResult run_iflow(const std::vector<std::string>& arguments, ProcessOptions options = {});

// A script for bash, with `iflow` on PATH: run_shell("head -3 x.csv | iflow logprob m.iflow -").
ProcessResult run_shell(const std::string& script, ProcessOptions options = {});

}  // namespace iflow::test
