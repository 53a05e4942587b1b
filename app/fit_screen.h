// A fit as its user sees it: progress on the screen, a checkpoint now and then, an orderly end when
// it is interrupted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fit/observer.h"
#include "screen.h"
#include "stopwatch.h"

namespace iflow {

struct FitScreenOptions {
  std::string checkpoint = {};  // directory to save to; empty: nothing is saved
  std::uint64_t log_every = 0;  // steps between lines of progress; 0: by the clock
  bool memory = false;          // to be told
  std::string label = {};       // at the head of every line: "model 2 of 5, glow: "
};

class FitScreen final : public FitObserver {
 public:
  FitScreen(Screen& screen, FitScreenOptions options);
  ~FitScreen() override;

  void warn(const std::string& message) override;
  void note(const std::string& line) override;
  void accepted(bool is_new) override;
  void training(const TrainingStage& stage, Trainer& trainer) override;
  void step(std::uint64_t step, double loss) override;
  void validated(const HistoryPoint& point) override;
  void tried(const std::vector<TriedCandidate>& candidates) override;
  void save(const Fit& fit) override;
  void could_save(const MakeRecord& record) override;
  bool goes_on() override;

 private:
  class Progress;
  class Keeper;

  Screen& screen_;
  FitScreenOptions options_;
  std::unique_ptr<Keeper> keeper_;      // or none
  std::unique_ptr<Progress> progress_;  // of the training at hand
};

}  // namespace iflow
