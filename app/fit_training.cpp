#include "fit_training.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <utility>

#include "base/build_info.h"
#include "base/parallel.h"
#include "interrupt.h"
#include "stopwatch.h"

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

// The line of progress: when it is due and what it says.
class Progress {
 public:
  // `nats`: of what losses are said in.
  Progress(Screen& screen, const Trainer& trainer, const ProgressOptions& options, double nats)
      : nats_(nats),
        screen_(screen),
        trainer_(trainer),
        options_(options),
        first_step_(trainer.state().step) {}

  void step_done(std::uint64_t step, double loss) {
    loss_sum_ += loss;
    ++losses_;
    const double now = watch_.seconds();
    const bool is_due = options_.log_every > 0 ? step % options_.log_every == 0
                                               : !screen_.shows_progress() && now >= next_line_;
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
    std::string text =
        options_.label + "step " + std::to_string(step) + "/" + std::to_string(steps);
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

  double nats_;
  Screen& screen_;
  const Trainer& trainer_;
  const ProgressOptions& options_;
  std::uint64_t first_step_;
  Stopwatch watch_;
  double next_line_ = kSecondsBetweenLines;
  double next_update_ = 0;
  double loss_sum_ = 0;  // since the last line
  std::uint64_t losses_ = 0;
};

// Brings a fit up to date with its trainer and returns what is to be saved of it.
using Update = std::function<const Fit&()>;

// The checkpoint's contents and log, as the run goes on.
class Keeper {
 public:
  // `event`: what begins.
  Keeper(const Trainer& trainer, Update update, CheckpointWriter* writer, const char* event)
      : trainer_(trainer), update_(std::move(update)), writer_(writer) {
    const BuildInfo build = build_info();
    log(nlohmann::json{{"event", event},
                       {"step", trainer.state().step},
                       {"steps", trainer.last_step()},
                       {"threads", threads()},
                       {"iflow", build.version},
                       {"compiler", build.compiler},
                       {"simd", build.simd}});
  }

  void log_point() {
    const HistoryPoint& point = trainer_.state().history.back();
    nlohmann::json line = {{"step", point.step},
                           {"training_loss", point.training_loss},
                           {"seconds", watch_.seconds()}};
    if (!std::isnan(point.validation_loss)) line["validation_loss"] = point.validation_loss;
    log(line);
  }

  void save() {
    const Fit& fit = update_();
    if (writer_ != nullptr) save_fit(*writer_, fit);
    saved_at_ = watch_.seconds();
  }

  void save_if_due() {
    if (watch_.seconds() - saved_at_ >= kSecondsBetweenSaves) save();
  }

 private:
  void log(const nlohmann::json& event) {
    if (writer_ != nullptr) writer_->append_log(event.dump());
  }

  const Trainer& trainer_;
  Update update_;
  CheckpointWriter* writer_;  // or none
  Stopwatch watch_;
  double saved_at_ = 0;
};

void warn_of_divergences(const Trainer& trainer, std::size_t already_said, Screen& screen,
                         const std::string& label) {
  const std::vector<Divergence>& all = trainer.state().divergences;
  for (std::size_t i = already_said; i < all.size(); ++i) {
    screen.warn(label + "step " + std::to_string(all[i].step) +
                ": the loss or its gradient is not finite; back to step " +
                std::to_string(all[i].back_to) + " with the learning rate " +
                formatted("%g", all[i].learning_rate));
  }
}

// Trains on until a signal comes or `goes_on`, asked after every validation point, denies it.
// Returns the signal that ended it early, else 0.
int run(Trainer& trainer, Progress& lines, Screen& screen, const std::string& label,
        const std::function<bool()>& goes_on) {
  bool is_ended = interrupt_signal() != 0;
  while (!is_ended && !trainer.finished()) {
    const std::size_t divergences = trainer.state().divergences.size();
    const bool reached = trainer.advance([&](std::uint64_t step, double loss) {
      lines.step_done(step, loss);
      return interrupt_signal() == 0;
    });
    warn_of_divergences(trainer, divergences, screen, label);
    is_ended = (reached && !goes_on()) || interrupt_signal() != 0;
  }
  return trainer.finished() ? 0 : interrupt_signal();
}

// The same to the end, with the checkpoint kept up to date.
int run_and_keep(Trainer& trainer, Keeper& keeper, Progress& lines, Screen& screen,
                 const std::string& label) {
  keeper.save();
  const int signal = run(trainer, lines, screen, label, [&] {
    keeper.log_point();
    keeper.save_if_due();
    return true;
  });
  keeper.save();
  return signal;
}

}  // namespace

int train_fit(Trainer& trainer, Fit& fit, CheckpointWriter* writer, Screen& screen,
              const ProgressOptions& progress) {
  fit.refit.reset();
  const auto update = [&]() -> const Fit& {
    fit.state = trainer.state();
    fit.parameters = fit.state.best;
    return fit;
  };
  Keeper keeper(trainer, update, writer, "start");
  const auto dimension = static_cast<double>(fit.flow.dimension);
  Progress lines(screen, trainer, progress, fit.data.image ? dimension * std::numbers::ln2 : 1);
  return run_and_keep(trainer, keeper, lines, screen, progress.label);
}

int train_refit(Trainer& trainer, Fit& fit, Fit& refitted, CheckpointWriter& writer, Screen& screen,
                const ProgressOptions& progress) {
  const auto update = [&]() -> const Fit& {
    fit.refit = trainer.state();
    if (!is_refitted(fit)) return fit;
    refitted.refit = fit.refit;
    refitted.parameters = fit.refit->best;
    return refitted;
  };
  Keeper keeper(trainer, update, &writer, "refit");
  Progress lines(screen, trainer, progress, 1);
  return run_and_keep(trainer, keeper, lines, screen, progress.label);
}

int train_candidate(Trainer& trainer, Screen& screen, const ProgressOptions& progress,
                    const std::function<bool(const TrainState&)>& goes_on) {
  Progress lines(screen, trainer, progress, 1);
  return run(trainer, lines, screen, progress.label, [&] { return goes_on(trainer.state()); });
}

}  // namespace iflow
