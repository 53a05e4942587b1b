#include "support/process.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "support/temp_dir.h"

namespace iflow::test {
namespace {

using std::chrono::milliseconds;

TEST_CASE("process: exit code, stdout and stderr are kept apart") {
  const ProcessResult r = run({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  CHECK(r.exit_code == 3);
  CHECK(r.out == "out\n");
  CHECK(r.err == "err\n");
}

TEST_CASE("process: arguments arrive as they are") {
  const ProcessResult r = run({"/bin/sh", "-c", "printf '<%s>' \"$@\"", "sh", "a b", "", "*", "'"});
  CHECK(r.out == "<a b><><*><'>");
}

TEST_CASE("process: death by signal is 128 + n") {
  CHECK(run({"/bin/sh", "-c", "kill -TERM $$"}).exit_code == 128 + SIGTERM);
}

TEST_CASE("process: stdin larger than a pipe, with zero bytes") {
  std::string text(1'000'000, 'x');
  text[5] = '\0';
  CHECK(run({"/bin/cat"}, {.stdin_text = text}).out == text);
}

TEST_CASE("process: a reader that leaves stdin unread harms nobody") {
  CHECK(run({"/bin/true"}, {.stdin_text = std::string(1'000'000, 'x')}).exit_code == 0);
}

TEST_CASE("process: without text stdin is at its end") {
  const ProcessResult r = run({"/bin/cat"});
  CHECK(r.exit_code == 0);
  CHECK(r.out.empty());
}

TEST_CASE("process: environment and folder") {
  const TempDir dir;
  const ProcessResult r = run({"/bin/sh", "-c", "echo ${IFLOW_A-unset} ${HOME-unset}; pwd -P"},
                              {.env = {{"IFLOW_A", "1"}, {"HOME", {}}}, .cwd = dir.path()});
  CHECK(r.out == "1 unset\n" + std::filesystem::canonical(dir.path()).string() + "\n");
}

TEST_CASE("process: signals that the test runner ignores are not inherited") {
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &before);
  const ProcessResult r = run({"/bin/sh", "-c", "kill -PIPE $$; echo survived"});
  sigaction(SIGPIPE, &before, nullptr);
  CHECK(r.exit_code == 128 + SIGPIPE);
}

TEST_CASE("process: a time limit kills the children too and shows what was said") {
  const auto start = std::chrono::steady_clock::now();
  Process process({"/bin/sh", "-c", "echo going; sleep 60; echo never"},
                  {.timeout = milliseconds(200)});
  std::string message;
  try {
    process.wait();
  } catch (const std::runtime_error& e) {
    message = e.what();
  }
  CHECK(message.find("timed out") != std::string::npos);
  CHECK(message.find("going") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("process: a program that isn't there throws") {
  CHECK_THROWS_AS(run({"/nowhere/program"}), std::system_error);
}

TEST_CASE("process: start, wait for a word, signal, wait") {
  Process process({"/bin/sh", "-c",
                   "trap 'echo caught; exit 130' INT; echo ready >&2;"
                   "while :; do sleep 0.01; done"});
  process.wait_for_err("ready\n");
  process.signal(SIGINT);
  const ProcessResult r = process.wait();
  CHECK(r.exit_code == 130);
  CHECK(r.out == "caught\n");
}

TEST_CASE("process: SIGKILL") {
  Process process({"/bin/sleep", "60"});
  process.signal(SIGKILL);
  CHECK(process.wait().exit_code == 128 + SIGKILL);
  CHECK_NOTHROW(process.signal(SIGKILL));  // too late, but no error
}

TEST_CASE("process: waiting for a word that never comes throws") {
  Process process({"/bin/sh", "-c", "echo other"});
  CHECK_THROWS_AS(process.wait_for_out("ready"), std::runtime_error);
}

TEST_CASE("process: nothing outlives the object") {
  const TempDir dir;
  {
    Process process({"/bin/sh", "-c", "(sleep 0.3; touch late) & echo started; sleep 60"},
                    {.cwd = dir.path()});
    process.wait_for_out("started");
  }
  std::this_thread::sleep_for(milliseconds(600));
  CHECK_FALSE(std::filesystem::exists(dir / "late"));
}

TEST_CASE("process: shell scripts are bash, with pipes and their exit codes") {
  const ProcessResult r =
      run_shell("yes | head -2; echo ${PIPESTATUS[0]}; paste <(echo a) -", {.stdin_text = "b\n"});
  CHECK(r.out == "y\ny\n141\na\tb\n");
}

}  // namespace
}  // namespace iflow::test
