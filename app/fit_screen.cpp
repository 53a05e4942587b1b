#include "fit_screen.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/build_info.h"
#include "base/parallel.h"
#include "checkpoint/model_file.h"
#include "fit_memory.h"
#include "interrupt.h"

namespace iflow {
namespace {

constexpr double kSecondsBetweenSaves = 10;
constexpr double kSecondsBetweenLines = 10;     // of progress, where it can't be updated
constexpr double kSecondsBetweenUpdates = 0.1;  // of the line on a terminal

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  if (whole < 60) return std::to_string(whole) + " s";
  char text[64];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld min", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
  }
  return text;
}

}  // namespace

// The line of progress: when it is due and what it says.
class FitScreen::Progress {
 public:
  // `label`: at the head of every line.
  Progress(Screen& screen, const Trainer& trainer, std::uint64_t log_every, std::string label,
           double nats)
      : nats_(nats),
        screen_(screen),
        trainer_(trainer),
        log_every_(log_every),
        label_(std::move(label)),
        first_step_(trainer.state().step) {}

  void step_done(std::uint64_t step, double loss) {
    loss_sum_ += loss;
    ++losses_;
    const double now = watch_.seconds();
    const bool is_due =
        log_every_ > 0 ? step % log_every_ == 0 : !screen_.shows_progress() && now >= next_line_;
    if (is_due) {
      next_line_ = now + kSecondsBetweenLines;
      screen_.note(line(step, now));
    } else if (screen_.shows_progress() && now >= next_update_) {
      next_update_ = now + kSecondsBetweenUpdates;
      screen_.progress(line(step, now));
    }
  }

 private:
  std::string line(std::uint64_t step, double now) {
    const std::uint64_t steps = trainer_.last_step();
    const double speed = static_cast<double>(step - first_step_) / now;
    std::string text = label_ + "step " + std::to_string(step) + "/" + std::to_string(steps);
    text += "  loss " + formatted("%.4f", loss_sum_ / static_cast<double>(losses_) / nats_);
    const double validation = trainer_.state().history.back().validation_loss;
    if (!std::isnan(validation)) text += "  validation " + formatted("%.4f", validation / nats_);
    if (nats_ != 1) text += " bits/dim";
    text += "  " + formatted(speed < 10 ? "%.2f" : "%.0f", speed) + " steps/s";
    text += "  " + duration_text(static_cast<double>(steps - step) / speed) + " left";
    loss_sum_ = 0;
    losses_ = 0;
    return text;
  }

  double nats_;  // that losses are told in
  Screen& screen_;
  const Trainer& trainer_;
  std::uint64_t log_every_;
  std::string label_;
  std::uint64_t first_step_;
  Stopwatch watch_;
  double next_line_ = kSecondsBetweenLines;
  double next_update_ = 0;
  double loss_sum_ = 0;  // since the last line
  std::uint64_t losses_ = 0;
};

// The checkpoint's contents and log, as the run goes on.
class FitScreen::Keeper {
 public:
  Keeper(const std::string& directory, bool is_new) : writer_(directory), is_new_(is_new) {}

  // `event`: what begins.
  void begin(const Trainer& trainer, const char* event) {
    watch_ = Stopwatch();
    saved_at_ = 0;
    const BuildInfo build = build_info();
    log({{"event", event},
         {"step", trainer.state().step},
         {"steps", trainer.last_step()},
         {"threads", threads()},
         {"iflow", build.version},
         {"compiler", build.compiler},
         {"simd", build.simd}});
  }

  void log_point(const HistoryPoint& point) {
    nlohmann::json line = {{"step", point.step},
                           {"training_loss", point.training_loss},
                           {"seconds", watch_.seconds()}};
    if (!std::isnan(point.validation_loss)) line["validation_loss"] = point.validation_loss;
    log(line);
  }

  void log(const nlohmann::json& event) {
    begin_log();
    writer_.append_log(event.dump());
  }

  void save(const Fit& fit) {
    begin_log();
    save_fit(writer_, fit);
    saved_at_ = watch_.seconds();
  }

  bool is_due() const { return watch_.seconds() - saved_at_ >= kSecondsBetweenSaves; }

 private:
  // A new fit has nothing to do with the log of one that it replaces.
  void begin_log() {
    if (is_new_) writer_.clear_log();
    is_new_ = false;
  }

  CheckpointWriter writer_;
  bool is_new_;
  Stopwatch watch_;
  double saved_at_ = 0;
};

FitScreen::FitScreen(Screen& screen, FitScreenOptions options)
    : screen_(screen), options_(std::move(options)) {}

FitScreen::~FitScreen() = default;

void FitScreen::warn(const std::string& message) { screen_.warn(options_.label + message); }

void FitScreen::note(const std::string& line) { screen_.note(options_.label + line); }

void FitScreen::accepted(bool is_new) {
  if (!options_.checkpoint.empty()) keeper_ = std::make_unique<Keeper>(options_.checkpoint, is_new);
  catch_interrupts();
}

void FitScreen::training(const TrainingStage& stage, Trainer& trainer) {
  if (options_.memory && stage.phase == FitPhase::kFit) note(memory_text(trainer));
  if (keeper_ && stage.phase != FitPhase::kTrial) {
    keeper_->begin(trainer, stage.phase == FitPhase::kFit ? "start" : "refit");
  }
  progress_ = std::make_unique<Progress>(screen_, trainer, options_.log_every,
                                         options_.label + stage.label, stage.unit);
}

void FitScreen::step(std::uint64_t step, double loss) { progress_->step_done(step, loss); }

void FitScreen::validated(const HistoryPoint& point) {
  if (keeper_) keeper_->log_point(point);
}

void FitScreen::tried(const std::vector<TriedCandidate>& candidates) {
  if (!keeper_) return;
  for (const TriedCandidate& c : candidates) {
    keeper_->log({{"event", "trial"},
                  {"activation", c.activation},
                  {"steps", c.steps},
                  {"validation_loss", c.validation_loss}});
  }
}

void FitScreen::save(const Fit& fit) {
  if (keeper_) keeper_->save(fit);
}

void FitScreen::could_save(const MakeRecord& record) {
  if (keeper_ && keeper_->is_due()) keeper_->save(record());
}

bool FitScreen::goes_on() { return interrupt_signal() == 0; }

}  // namespace iflow
