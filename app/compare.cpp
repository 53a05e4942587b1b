// iflow compare: several models on the same rows, with the same budget.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/nearest.h"
#include "commands.h"
#include "compare_figure.h"
#include "compare_measures.h"
#include "compare_report.h"
#include "compare_sizes.h"
#include "fit_arguments.h"
#include "fit_budget.h"
#include "fit_data.h"
#include "fit_result.h"
#include "fit_start.h"
#include "fit_training.h"
#include "interrupt.h"
#include "inversion.h"
#include "number_checks.h"
#include "options.h"
#include "report/number_format.h"
#include "report/png.h"
#include "result.h"
#include "row_stream.h"
#include "screen.h"
#include "stopwatch.h"

namespace iflow {
namespace {

struct CompareOptions {
  std::vector<std::string> data;  // paths
  std::vector<std::string> models = {"iresnet", "glow", "realnvp", "nice", "spline"};
  std::optional<std::size_t> parameters;
  std::string figure;  // empty: none
  std::string folder;  // for the checkpoints; empty: they are not kept
  FitArguments fit;    // what all fits have in common
};

// moons.csv.gz -> moons
std::string name_of(const std::string& path) {
  if (path == "-") return "stdin";
  return std::filesystem::path(default_checkpoint(path)).stem().string();
}

// One set of data and what its fits begin with.
struct Contest {
  std::string path, name;
  FitData data;
  std::vector<FitSettings> settings;  // of each model
};

// One call of the command.
class Comparison {
 public:
  explicit Comparison(const CompareOptions& options)
      : options_(options), screen_(options.fit.quiet) {}

  void run() {
    for (const std::string& path : options_.data) read(path);
    if (!options_.figure.empty()) figure_ = make_figure();
    std::optional<AtomicFile> picture;
    if (!options_.figure.empty()) picture.emplace(options_.figure);
    if (!options_.folder.empty()) std::filesystem::create_directories(options_.folder);
    catch_interrupts();
    for (const Contest& contest : contests_) compare(contest);
    if (picture) {
      picture->write(encode_png(figure_->render()));
      picture->commit();
    }
    print();
    finish_inversion(unconverged_, inverted_, {});
  }

 private:
  void read(const std::string& path) {
    FitArguments arguments = options_.fit;
    arguments.data = path;
    settle_kind_of_data(arguments);
    Contest contest{
        path, name_of(path), read_fit_data(path, options_.fit.val, arguments.settings), {}};
    for (const std::string& warning : contest.data.warnings) screen_.warn(warning);
    if (!contests_.empty()) refuse_mixture(contests_.front(), contest);
    const std::size_t columns = contest.data.record.columns.size();
    if (!options_.figure.empty() && columns != 2 && !contest.data.images) {
      throw UsageError("-o: the figure is for images or 2 columns, and " + display_name(path) +
                       " has " + std::to_string(columns));
    }
    for (const std::string& model : options_.models) {
      contest.settings.push_back(settings_of(model, contest));
    }
    contests_.push_back(std::move(contest));
  }

  static void refuse_mixture(const Contest& a, const Contest& b) {
    if ((a.data.images == nullptr) == (b.data.images == nullptr)) return;
    const Contest& images = a.data.images ? a : b;
    const Contest& table = a.data.images ? b : a;
    throw UsageError("DATA: images and tables don't go together: " + display_name(images.path) +
                     " holds images, " + display_name(table.path) + " a table");
  }

  FitSettings settings_of(const std::string& model, const Contest& contest) const {
    FitArguments arguments = options_.fit;
    arguments.data = contest.path;
    arguments.settings.flow.model = model_kinds().at(model);
    arguments.given["model"] = model;
    FitSettings settings = settings_for(arguments, contest.data);
    if (options_.parameters) {
      settings.flow.hidden =
          widths_for(*options_.parameters, model, settings.flow,
                     [&](const FlowOptions& options) { return flow_of(contest.data, options); });
    }
    return settings;
  }

  void compare(const Contest& contest) {
    const Mixture mixture = mixture_of(contest.data, options_.fit.settings.train.seed);
    ComparedData result = compared_data(contest.name, contest.data, mixture);
    if (figure_) figure_->add_data(contest.name, contest.data);
    for (std::size_t i = 0; i < options_.models.size(); ++i) {
      result.models.push_back(fitted_model(contest, i, mixture, result));
    }
    results_.push_back(std::move(result));
  }

  // Fits and measures a model.
  ComparedModel fitted_model(const Contest& contest, std::size_t index, const Mixture& mixture,
                             const ComparedData& so_far) {
    ComparedModel result;
    result.name = options_.models[index];
    const std::string checkpoint = checkpoint_of(contest.name, result.name);
    if (!options_.folder.empty()) result.checkpoint = checkpoint;
    const std::string label = next_label(contest, result.name);
    const Stopwatch watch;
    const Fit fit = fitted(contest, contest.settings[index], mixture, label);
    result.seconds = watch.seconds();
    result.options = fit.options;
    result.steps = fit.state.step;
    result.best_step = fit.state.best_step;
    result.stopped_early = stopped_early(fit);

    const Model model(fit.flow, fit.parameters);
    result.parameters = model.flow().layout().count();
    result.measures = measure(fit, model, contest.data);
    unconverged_ += result.measures.unconverged;
    inverted_ += result.measures.inverted;
    if (figure_) figure_->add_model(result.name, model, mean_of(so_far, result));
    screen_.note(label + likelihood_text(so_far, result) + ", " + fixed_point(result.seconds, 1) +
                 " s");
    return result;
  }

  std::unique_ptr<CompareFigure> make_figure() const {
    const std::uint64_t seed = options_.fit.settings.train.seed;
    if (contests_.front().data.images) {
      if (contests_.size() > 1) throw UsageError("-o: the figure is for one set of images");
      return make_image_compare_figure(seed);
    }
    return make_plane_compare_figure(options_.models, contests_.size() == 1, seed);
  }

  // Trains; ends the command when a signal came.
  Fit fitted(const Contest& contest, FitSettings settings, const Mixture& mixture,
             const std::string& label) {
    Fit fit = new_fit(contest.data, settings, mixture);
    TrainingData rows = training_data(fit, contest.data);
    if (options_.fit.seconds) {
      settings.train = plan_for_time(fit.flow, settings, rows, 0, *options_.fit.seconds);
      set_settings(fit, settings);
    }
    std::optional<CheckpointWriter> writer;
    if (!options_.folder.empty()) {
      writer.emplace(checkpoint_of(contest.name, fit.options.at("model")));
    }
    Trainer trainer(fit.flow, fit.train, std::move(rows));
    trainer.start();
    const int signal = train_fit(trainer, fit, writer ? &*writer : nullptr, screen_,
                                 {options_.fit.log_every, label});
    if (signal == 0) return fit;
    screen_.warn(label + "interrupted");
    throw CLI::RuntimeError(128 + signal);
  }

  std::string checkpoint_of(const std::string& data, const std::string& model) const {
    return (std::filesystem::path(options_.folder) / (data + "-" + model + ".iflow")).string();
  }

  // "model 2 of 5, glow: "; "fit 7 of 40, glow on circles: "
  std::string next_label(const Contest& contest, const std::string& model) {
    const bool is_single = contests_.size() == 1;
    const std::size_t fits = contests_.size() * options_.models.size();
    return (is_single ? "model " : "fit ") + std::to_string(++fits_begun_) + " of " +
           std::to_string(fits) + ", " + model + (is_single ? "" : " on " + contest.name) + ": ";
  }

  // The table goes where the picture does not.
  void print() {
    if (options_.fit.json) {
      print_result(comparison_json(results_));
    } else if (options_.figure == "-") {
      screen_.note(comparison_text(results_));
    } else {
      print_result(comparison_text(results_));
    }
  }

  const CompareOptions& options_;
  Screen screen_;
  std::vector<Contest> contests_;
  std::vector<ComparedData> results_;
  std::unique_ptr<CompareFigure> figure_;  // or none
  std::size_t fits_begun_ = 0;
  std::size_t unconverged_ = 0, inverted_ = 0;  // held-out rows
};

std::string check_model(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, kind] : model_kinds()) names.push_back(known);
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return "unknown model \"" + name + "\"; did you mean \"" + nearest(name, names) + "\"?";
}

// Throws UsageError, beginning with `option`, for a name that comes twice.
void refuse_twice(const std::string& option, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) throw UsageError(option + ": \"" + *twice + "\" comes twice");
}

void check(const CompareOptions& options) {
  refuse_twice("--models", options.models);
  std::vector<std::string> names;
  for (const std::string& path : options.data) names.push_back(name_of(path));
  refuse_twice("DATA", names);
  if (options.data.size() > 1 && !options.fit.val.empty()) {
    throw UsageError("--val: one file can't validate several DATA");
  }
  if (options.fit.json && options.figure == "-") {
    throw UsageError("--json prints the result on standard output: give the picture a file");
  }
  if (options.folder.empty() || options.fit.force) return;
  for (const std::string& name : names) {
    for (const std::string& model : options.models) {
      const std::string path =
          (std::filesystem::path(options.folder) / (name + "-" + model + ".iflow")).string();
      if (!checkpoint_exists(path)) continue;
      throw UsageError(path + ": there is a checkpoint already; --force replaces it");
    }
  }
}

void add_options(CLI::App& command, CompareOptions& options) {
  command
      .add_option("DATA", options.data,
                  "CSV, TSV or .npy, also gzipped; - is stdin. Images as for fit. With several, "
                  "the figure has a column for each")
      ->required()
      ->type_name("");
  add_list_option(command, "--models", options.models,
                  "Models to fit, in this order: iresnet,glow,realnvp,nice,spline (default)")
      ->check(check_model)
      ->type_name("NAMES");
  command
      .add_option("--parameters", options.parameters,
                  "Widths of hidden layers with which every model learns as close to N numbers as "
                  "can be (default: each model's own widths)")
      ->check(count_up_to(1'000'000'000))
      ->type_name("N");
  command
      .add_option("-o,--output", options.figure,
                  "Picture of models of 2 columns or of images, a PNG; - is stdout")
      ->type_name("PNG");
  CLI::Option* save =
      command
          .add_option("--save", options.folder, "Keep the checkpoints, as FOLDER/moons-glow.iflow")
          ->type_name("FOLDER");
  command.add_flag("--force", options.fit.force, "Replace checkpoints that exist")->needs(save);
  add_log_every_option(command, options.fit);
  add_fit_data_options(command, options.fit);
  add_budget_options(command, options.fit);
  add_seed_option(command, options.fit.settings.train.seed);
  add_threads_option(command);
  add_quiet_option(command, options.fit.quiet);
}

}  // namespace

void add_compare(CLI::App& program) {
  CLI::App& command = add_command(
      program, "compare", "Fit several models with the same budget; a table and a figure",
      "iflow compare moons.csv --models iresnet,glow --steps 200 -o models.png");
  const auto options = std::make_shared<CompareOptions>();
  add_options(command, *options);
  add_documented_json_option(command, options->fit.json, kComparisonFields);
  command.footer(command.get_footer() +
                 "\n\nEvery model has --steps or --time to itself, by default the plan of a plain "
                 "fit. All are "
                 "judged on the same held-out rows, by which each has also chosen its best step.");
  command.callback([&command, options] {
    options->fit.settings.refit = false;  // all models are judged on the rows held out
    note_given(command, options->fit);
    check(*options);
    Comparison(*options).run();
  });
}

}  // namespace iflow
