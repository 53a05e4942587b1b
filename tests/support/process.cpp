#include "support/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace iflow::test {
namespace {

using std::chrono::steady_clock;

// Throws unless `result`, from a call that returns an error number, is 0.
void check(int result, const std::string& what) {
  if (result != 0) throw std::system_error(result, std::generic_category(), what);
}

// Throws if `result`, from a call that sets errno, is negative.
int check_errno(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::string read_all(int file) {
  struct stat status {};
  check_errno(fstat(file, &status), "fstat");
  std::string text(static_cast<size_t>(status.st_size), '\0');
  const ssize_t n = pread(file, text.data(), text.size(), 0);
  if (n < 0) throw std::system_error(errno, std::generic_category(), "pread");
  text.resize(static_cast<size_t>(n));
  return text;
}

// Writes `text` into a pipe and closes it. A reader that goes away ends it quietly.
void feed(int pipe_end, const std::string& text) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = write(pipe_end, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<size_t>(n);
  }
  close(pipe_end);
}

std::vector<std::string> environment(const ProcessOptions& options) {
  std::map<std::string, std::optional<std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.env) variables[name] = value;
#ifdef IFLOW_EXECUTABLE
  variables["PATH"] =
      iflow_executable().parent_path().string() + ":" + variables["PATH"].value_or("/usr/bin:/bin");
#endif
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) {
    if (value) entries.push_back(name + "=" + *value);
  }
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

// An anonymous file that grows as the program writes; O_APPEND, since children share it.
int output_file(const char* name) {
  const int file = check_errno(memfd_create(name, MFD_CLOEXEC), "memfd_create");
  check_errno(fcntl(file, F_SETFL, O_APPEND), "fcntl");
  return file;
}

// Everything posix_spawn wants to know, released together.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnPlan() {
    check(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
    check(posix_spawnattr_init(&attributes), "posix_spawnattr_init");
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void redirect(int from, int to) {
    check(posix_spawn_file_actions_adddup2(&actions, from, to), "posix_spawn_file_actions_adddup2");
  }

  // A group of its own, and no blocked or ignored signals inherited from whoever runs the tests.
  void isolate() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    check(posix_spawnattr_setpgroup(&attributes, 0), "posix_spawnattr_setpgroup");
    check(posix_spawnattr_setsigmask(&attributes, &none), "posix_spawnattr_setsigmask");
    check(posix_spawnattr_setsigdefault(&attributes, &all), "posix_spawnattr_setsigdefault");
    check(posix_spawnattr_setflags(
              &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF),
          "posix_spawnattr_setflags");
  }
};

}  // namespace

Process::Process(const std::vector<std::string>& argv, ProcessOptions options)
    : deadline_(steady_clock::now() + options.timeout),
      out_(output_file("stdout")),
      err_(output_file("stderr")) {
  for (const std::string& argument : argv) name_ += (name_.empty() ? "" : " ") + argument;

  int input[2];
  check_errno(pipe2(input, O_CLOEXEC), "pipe2");
  SpawnPlan plan;
  plan.isolate();
  plan.redirect(input[0], STDIN_FILENO);
  plan.redirect(out_, STDOUT_FILENO);
  plan.redirect(err_, STDERR_FILENO);
  check(posix_spawn_file_actions_addchdir_np(&plan.actions, options.cwd.c_str()), "addchdir");

  std::vector<std::string> arguments = argv;
  std::vector<std::string> variables = environment(options);
  const int error = posix_spawnp(&pid_, argv.at(0).c_str(), &plan.actions, &plan.attributes,
                                 pointers(arguments).data(), pointers(variables).data());
  close(input[0]);
  if (error != 0) close(input[1]);
  check(error, "cannot start " + name_);
  writer_ = std::thread(feed, input[1], std::move(options.stdin_text));
}

Process::~Process() {
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  if (writer_.joinable()) writer_.join();
  close(out_);
  close(err_);
}

std::string Process::out() const { return read_all(out_); }
std::string Process::err() const { return read_all(err_); }

void Process::signal(int number) const { check_errno(kill(-pid_, number), "kill " + name_); }

void Process::wait_for_err(const std::string& text) { wait_for_text(err_, text); }
void Process::wait_for_out(const std::string& text) { wait_for_text(out_, text); }

ProcessResult Process::wait() {
  while (!ended()) {
    if (steady_clock::now() > deadline_) {
      kill(-pid_, SIGKILL);
      fail("timed out");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {.exit_code = *exit_code_, .out = out(), .err = err()};
}

void Process::wait_for_text(int output, const std::string& text) {
  for (;;) {
    const bool last_look = ended();
    if (read_all(output).find(text) != std::string::npos) return;
    if (last_look) fail("ended without saying \"" + text + "\"");
    if (steady_clock::now() > deadline_) fail("timed out before saying \"" + text + "\"");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool Process::ended() {
  if (exit_code_) return true;
  // WNOWAIT leaves the dead program in the process table, so that its number, and with it the
  // group's, can't be given to a stranger before the destructor kills the group.
  siginfo_t end{};
  check_errno(waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT), "waitid");
  if (end.si_pid == 0) return false;
  exit_code_ = end.si_code == CLD_EXITED ? end.si_status : 128 + end.si_status;
  return true;
}

void Process::fail(const std::string& what) {
  throw std::runtime_error(name_ + ": " + what + "\nstdout:\n" + out() + "\nstderr:\n" + err());
}

std::filesystem::path iflow_executable() {
#ifdef IFLOW_EXECUTABLE
  return IFLOW_EXECUTABLE;
#else
  throw std::runtime_error("the tests were built without the iflow executable");
#endif
}

ProcessResult run(const std::vector<std::string>& argv, ProcessOptions options) {
  return Process(argv, std::move(options)).wait();
}

ProcessResult run_iflow(const std::vector<std::string>& arguments, ProcessOptions options) {
  std::vector<std::string> argv = {iflow_executable().string()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run(argv, std::move(options));
}

ProcessResult run_shell(const std::string& script, ProcessOptions options) {
  return run({"bash", "-c", script}, std::move(options));
}

}  // namespace iflow::test
