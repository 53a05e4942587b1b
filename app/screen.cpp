#include "screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace iflow {
namespace {

constexpr const char* kRed = "\033[1;31m";
constexpr const char* kYellow = "\033[1;33m";
constexpr const char* kPlain = "\033[0m";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool has_colour() { return is_terminal(STDERR_FILENO) && environment("NO_COLOR").empty(); }

// One write, so that lines of several processes don't mix. A screen that is gone can't be told so.
void write_screen(const std::string& text) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

void write_labelled(const char* colour, const std::string& label, const std::string& message) {
  const std::string shown = has_colour() ? colour + label + kPlain : label;
  write_screen("iflow: " + shown + " " + message + "\n");
}

std::size_t screen_width() {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

}  // namespace

void print_error(const std::string& message) { write_labelled(kRed, "error:", message); }

bool is_terminal(int descriptor) {
  return isatty(descriptor) != 0 && environment("TERM") != "dumb";
}

Screen::Screen(bool quiet) : quiet_(quiet), shows_progress_(!quiet && is_terminal(STDERR_FILENO)) {}

Screen::~Screen() { clear_progress(); }

void Screen::warn(const std::string& message) {
  clear_progress();
  write_labelled(kYellow, "warning:", message);
}

void Screen::note(const std::string& line) {
  if (quiet_) return;
  clear_progress();
  write_screen(line + "\n");
}

void Screen::progress(const std::string& line) {
  if (!shows_progress_) return;
  write_screen("\r\033[K" + line.substr(0, screen_width() - 1));
  has_progress_ = true;
}

void Screen::clear_progress() {
  if (!has_progress_) return;
  write_screen("\r\033[K");
  has_progress_ = false;
}

}  // namespace iflow
