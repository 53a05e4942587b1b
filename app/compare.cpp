// iflow compare: several models on the same rows, with the same budget.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/nearest.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "compare_report.h"
#include "data/image_reader.h"
#include "data/input_file.h"
#include "fit/compare_figure.h"
#include "fit/fit.h"
#include "fit/measures.h"
#include "fit/sizes.h"
#include "fit/start.h"
#include "fit_arguments.h"
#include "fit_screen.h"
#include "interrupt.h"
#include "inversion.h"
#include "number_checks.h"
#include "options.h"
#include "report/number_format.h"
#include "report/png.h"
#include "result.h"
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

// One set of data and what its fits are asked for.
struct Contest {
  std::string path, name;
  std::unique_ptr<const Dataset> data;
  std::vector<FitRequest> requests;  // of each model
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
    FitRequest request;
    request.data = path;
    request.val = options_.fit.val;
    request.given = options_.fit.given;
    request.seconds = options_.fit.seconds;
    request.may_try = false;
    // all models are judged on the rows held out
    if (!holds_images(path)) request.given["refit"] = "no";
    const Settings read_by = settings_to_read(request);
    Contest contest{path, name_of(path), read_dataset(path, request.val, read_by), {}};
    for (const std::string& warning : contest.data->warnings) screen_.warn(warning);
    if (!contests_.empty()) refuse_mixture(contests_.front(), contest);
    const DataRecord& record = contest.data->record;
    if (!options_.figure.empty() && record.columns.size() != 2 && !record.image) {
      throw UsageError("-o: the figure is for images or 2 columns, and " + display_name(path) +
                       " has " + std::to_string(record.columns.size()));
    }
    for (const std::string& model : options_.models) {
      request.given["model"] = model;
      contest.requests.push_back(with_widths(request, read_by, *contest.data));
    }
    contests_.push_back(std::move(contest));
  }

  static void refuse_mixture(const Contest& a, const Contest& b) {
    const bool a_holds_images = a.data->record.image.has_value();
    if (a_holds_images == b.data->record.image.has_value()) return;
    const Contest& images = a_holds_images ? a : b;
    const Contest& table = a_holds_images ? b : a;
    throw UsageError("DATA: images and tables don't go together: " + display_name(images.path) +
                     " holds images, " + display_name(table.path) + " a table");
  }

  // The request with the widths that make the model as large as was asked for. Throws UsageError
  // for a model that can't be fitted to such data.
  FitRequest with_widths(FitRequest request, const Settings& read_by, const Dataset& data) const {
    const Settings settings = settings_for(request.given, read_by, data, request.data);
    if (options_.parameters) {
      request.given["hidden"] =
          widths_for(*options_.parameters, request.given.at("model"), settings.flow,
                     [&](const FlowOptions& options) { return data.flow_of(options); });
    }
    return request;
  }

  void compare(const Contest& contest) {
    ComparedData result;
    result.name = contest.name;
    if (figure_) figure_->add_data(contest.name, *contest.data);
    for (std::size_t i = 0; i < options_.models.size(); ++i) {
      add_model(contest, options_.models[i], contest.requests[i], result);
    }
    results_.push_back(std::move(result));
  }

  // Fits and measures a model.
  void add_model(const Contest& contest, const std::string& name, FitRequest request,
                 ComparedData& all) {
    FitScreenOptions screen;
    if (!options_.folder.empty()) screen.checkpoint = checkpoint_of(contest.name, name);
    screen.log_every = options_.fit.log_every;
    screen.label = next_label(contest, name);
    FitScreen observer(screen_, screen);
    const Stopwatch watch;
    const Clock clock = [&watch] { return watch.seconds(); };
    request.clock = clock;
    FitResult fitted = run_fit(request, *contest.data, observer);
    if (fitted.ended_in) {
      observer.warn("interrupted");
      throw CLI::RuntimeError(128 + interrupt_signal());
    }
    ComparedModel result{name, screen.checkpoint, watch.seconds(), std::move(fitted), {}};
    const Fit& fit = result.fitted.fit;
    const Model model(fit.flow, fit.parameters);
    result.measures = measure(fit, model, *contest.data, clock);
    unconverged_ += result.measures.unconverged;
    inverted_ += result.measures.inverted;
    all.weights = contest.data->validation_weights;
    all.models.push_back(std::move(result));
    const ComparedModel& added = all.models.back();
    if (figure_) figure_->add_model(name, model, mean_of(all, added));
    observer.note(likelihood_text(all, added) + ", " + fixed_point(added.seconds, 1) + " s");
  }

  std::unique_ptr<CompareFigure> make_figure() const {
    const std::uint64_t seed = options_.fit.given.value("seed", std::uint64_t{0});
    if (contests_.front().data->record.image) {
      if (contests_.size() > 1) throw UsageError("-o: the figure is for one set of images");
      return make_image_compare_figure(seed);
    }
    return make_plane_compare_figure(options_.models, contests_.size() == 1, seed);
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
  add_shared_fit_options(command, options.fit);
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
  command.callback([options] {
    check(*options);
    Comparison(*options).run();
  });
}

}  // namespace iflow
