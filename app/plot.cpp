// iflow plot: the figures of a fit.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "image_options.h"
#include "image_plot.h"
#include "model/plane.h"
#include "model_summary.h"
#include "number_checks.h"
#include "options.h"
#include "report/curve_figure.h"
#include "report/density_figure.h"
#include "report/number_format.h"
#include "report/png.h"
#include "row_input.h"

namespace iflow {

namespace {

constexpr std::uint64_t kMaxSamples = 1000000, kSamples = 20000;
constexpr std::uint64_t kMaxSampledImages = 1024, kSampledImages = 64;
constexpr int kPanelPixels = 440;  // the side of the density's panel

struct PlotOptions {
  std::string checkpoint;
  RowInput input;
  std::string output;
  std::optional<std::uint64_t> samples;  // none: kSamples, or kSampledImages
  std::uint64_t seed = 0;
  bool curve = false;
  bool interpolate = false;
};

std::string caption_of(const Fit& fit) {
  const std::string layers = joined(describe_layers(fit.flow), ", ") + "; ";
  if (fit.data.image) {
    return layers + fixed_point(bits_per_dimension(-fit.state.best_loss, fit.flow.dimension)) +
           " bits/dim of the images to validate";
  }
  return layers + fixed_point(-fit.state.best_loss) + " nats per held-out row" +
         (is_refitted(fit) ? " before the refit to all" : "");
}

Canvas draw_image_panels(const PlotOptions& options, const Fit& fit) {
  const std::uint64_t samples = options.samples.value_or(kSampledImages);
  if (samples > kMaxSampledImages) {
    throw UsageError("--samples: at most " + std::to_string(kMaxSampledImages) + " images");
  }
  const Model model = model_of(fit, options.checkpoint);
  return draw_images({options.checkpoint, options.input, samples, options.seed, options.interpolate,
                      caption_of(fit)},
                     fit, model);
}

Canvas draw_density(const PlotOptions& options, const Fit& fit) {
  const bool conditional = !fit.data.given.empty();
  if (fit.data.columns.size() != 2) {
    throw UsageError("plot: the density figure is for 2 columns, one of which may be given, and " +
                     options.checkpoint + " has " + std::to_string(fit.data.columns.size()) +
                     "; --curve draws its training curve");
  }
  if (conditional && options.input.path.empty()) {
    throw UsageError("plot: " + options.checkpoint + " is conditional on " +
                     fit.data.given.front() + ": give DATA to draw it over");
  }
  const Model model = model_of(fit, options.checkpoint);
  DensityFigure figure;
  const std::vector<std::string> names = row_columns(fit.data);
  figure.x_name = names[conditional ? 1 : 0];
  figure.y_name = names[conditional ? 0 : 1];
  std::vector<double> data;
  if (!options.input.path.empty()) {
    data = read_table(options.input.path, rows_like(options.input.table, fit.data)).values;
  }
  figure.data = thinned(points_of(data, conditional));
  const std::uint64_t samples = options.samples.value_or(kSamples);
  figure.samples = conditional ? points_given(model, options.seed, samples, data)
                               : sampled_points(model, options.seed, samples);
  figure.window = window_around(figure.data.empty() ? figure.samples : figure.data);
  figure.density = density_over(figure.window, model, kPanelPixels);
  figure.caption = caption_of(fit);
  return render_density_figure(figure);
}

Canvas draw_curve(const Fit& fit) {
  CurveFigure figure;
  figure.title = joined(describe_layers(fit.flow), ", ");
  for (const HistoryPoint& point : fit.state.history) {
    const auto step = static_cast<double>(point.step);
    // No step has been made before the first validation.
    if (point.step > 0) figure.training.push_back({step, point.training_loss});
    figure.validation.push_back({step, point.validation_loss});
  }
  figure.best = CurvePoint{static_cast<double>(fit.state.best_step), fit.state.best_loss};
  return render_curve_figure(figure);
}

Canvas draw(const PlotOptions& options, const Fit& fit) {
  if (options.curve) return draw_curve(fit);
  if (fit.data.image) return draw_image_panels(options, fit);
  if (options.interpolate || options.input.image.crop || options.input.image.resize) {
    throw UsageError("--interpolate, --crop, --resize: " + options.checkpoint +
                     " is not a model of images");
  }
  return draw_density(options, fit);
}

void run(const PlotOptions& options) {
  const Fit fit = load_fit_without_training(options.checkpoint);
  AtomicFile out(options.output);
  out.write(encode_png(draw(options, fit)));
  out.commit();
}

}  // namespace

void add_plot(CLI::App& program) {
  CLI::App& command = add_command(program, "plot",
                                  "Data, density and samples of a 2-D model; images, their "
                                  "reconstructions and samples; or the training curve",
                                  "iflow plot moons.iflow moons.csv -o moons.png");
  const auto options = std::make_shared<PlotOptions>();
  add_checkpoint_argument(command, options->checkpoint);
  CLI::Option* data =
      command.add_option("DATA", options->input.path,
                         "Table to show beside the density, or images to reconstruct; -: "
                         "standard input");
  command.add_option("-o,--output", options->output, "The picture, a PNG; -: standard output")
      ->type_name("PNG")
      ->required();
  CLI::Option* curve =
      command.add_flag("--curve", options->curve, "Draw the training curve instead");
  CLI::Option* samples =
      command
          .add_option("-n,--samples", options->samples,
                      "Points in the panel of samples (default 20000), or images in every panel "
                      "(default 64)")
          ->check(count_up_to(kMaxSamples))
          ->type_name("N");
  CLI::Option* interpolate =
      command
          .add_flag("--interpolate", options->interpolate,
                    "Images: instead, ways through z from the first of DATA to the second, from "
                    "the third to the fourth, and so on")
          ->needs(data)
          ->excludes(samples);
  add_table_options(command, options->input.table);
  add_image_options(command, options->input.image);
  for (const char* name : {"--header", "--columns", "--na", "--crop", "--resize"}) {
    command.get_option(name)->needs(data);
  }
  add_seed_option(command, options->seed);
  add_threads_option(command);
  curve->excludes(data)->excludes(samples)->excludes("--seed")->excludes(interpolate);
  interpolate->excludes("--seed");
  command.callback([options] { run(*options); });
}

}  // namespace iflow
