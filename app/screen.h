// What a person reads while the program works: everything here goes to stderr.
#pragma once

#include <string>

namespace iflow {

// "iflow: error: MESSAGE".
void print_error(const std::string& message);

// Whether `descriptor` is a terminal on which a line can be rewritten and coloured: not with
// TERM=dumb; colour also not with NO_COLOR.
bool is_terminal(int descriptor);

// Notes, warnings and progress. On a terminal, progress is one line that keeps changing below the
// others; elsewhere, there is none but what is noted.
class Screen {
 public:
  // `quiet` leaves only the warnings.
  explicit Screen(bool quiet);
  // Takes the progress line away.
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void warn(const std::string& message);
  void note(const std::string& line);

  bool shows_progress() const { return shows_progress_; }
  // Replaces the progress line; cut to the width of the terminal.
  void progress(const std::string& line);

 private:
  void clear_progress();

  bool quiet_;
  bool shows_progress_;
  bool has_progress_ = false;
};

}  // namespace iflow
