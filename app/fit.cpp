// iflow fit: a flow of a table or of images.
#include "fit/fit.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/error.h"
#include "checkpoint/model_file.h"
#include "commands.h"
#include "data/image_reader.h"
#include "fit_arguments.h"
#include "fit_result.h"
#include "fit_screen.h"
#include "interrupt.h"
#include "options.h"
#include "result.h"
#include "screen.h"
#include "stopwatch.h"

namespace iflow {
namespace {

void check_checkpoint(const FitArguments& arguments) {
  const bool exists = checkpoint_exists(arguments.checkpoint);
  if (!exists || arguments.resume || arguments.force) return;
  throw UsageError(arguments.checkpoint +
                   ": there is a checkpoint already; --resume goes on with it, --force replaces "
                   "it, -o chooses another");
}

FitRequest request_of(const FitArguments& arguments, const Stopwatch& watch) {
  FitRequest request;
  request.data = arguments.data;
  request.val = arguments.val;
  request.given = arguments.given;
  request.seconds = arguments.seconds;
  request.clock = [&watch] { return watch.seconds(); };
  request.checkpoint = arguments.checkpoint;
  if (arguments.resume) request.resumed = load_fit(arguments.checkpoint);
  return request;
}

void run(const FitArguments& arguments) {
  const Stopwatch watch;
  Screen screen(arguments.quiet);
  data_settings(arguments.given, holds_images(arguments.data));  // usage errors come first
  check_checkpoint(arguments);
  const FitRequest request = request_of(arguments, watch);
  FitScreen observer(screen, {arguments.checkpoint, arguments.log_every, arguments.memory});
  const FitResult result = run_fit(request, observer);
  if (result.ended_in) {
    screen.warn("interrupted; " + arguments.checkpoint + " holds " + ended_text(result) +
                "; resume with: " + resume_command(arguments));
    throw CLI::RuntimeError(128 + interrupt_signal());
  }
  if (result.was_finished) {
    screen.note(arguments.checkpoint + ": already finished, nothing to do; a larger --steps " +
                "or a --time goes on");
  }
  screen.note(result_text(arguments.checkpoint, result, watch.seconds()));
  if (arguments.json) {
    print_result(result_json(arguments.checkpoint, result, watch.seconds()));
  }
}

}  // namespace

void add_fit(CLI::App& program) {
  CLI::App& command = add_command(program, "fit", "Fit a flow to data by maximum likelihood",
                                  "iflow toy moons -n 10000 > moons.csv && iflow fit moons.csv");
  const auto arguments = std::make_shared<FitArguments>();
  add_fit_options(command, *arguments);
  add_documented_json_option(command, arguments->json, kFitResultFields);
  command.callback([arguments] {
    complete_arguments(*arguments);
    run(*arguments);
  });
}

}  // namespace iflow
