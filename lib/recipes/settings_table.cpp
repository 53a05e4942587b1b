#include "recipes/settings_table.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/nearest.h"
#include "flow/spline_map.h"
#include "nn/activations.h"
#include "preprocess/named_bounds.h"
#include "recipes/setting_rows.h"

namespace iflow {
namespace {

using detail::choice;
using detail::fraction_below_1;
using detail::inside_unit;
using detail::number_from_0;
using detail::plain;
using detail::positive;
using detail::size;

// --- Checks of values on the command line.

constexpr std::uint64_t kMaxSteps = 1'000'000'000'000;

std::string check_activation(const std::string& name) {
  const std::vector<std::string>& names = activation_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return "unknown activation \"" + name + "\"; did you mean \"" + nearest(name, names) + "\"?";
}

std::string check_bounds(const std::string& text) {
  NamedBounds bounds;
  return parse_bounds(text, bounds);
}

const std::map<std::string, std::optional<bool>>& yes_or_no() {
  static const std::map<std::string, std::optional<bool>> names = {{"yes", true}, {"no", false}};
  return names;
}

// --- Scopes.

const Scope kOfImages = {.data = DataKind::kImages};
const Scope kOfTables = {.data = DataKind::kTables};
const Scope kOfBlocks = {.models = {ModelKind::kIResNet}};
const Scope kOfEstimates = {.models = {ModelKind::kIResNet},
                            .methods = {LogDetMethod::kSeries, LogDetMethod::kRoulette}};

// --- The rows.

// How the data are read, and which rows do what.
void add_data_settings(std::vector<Setting>& table) {
  constexpr const char* kGroup = "Images";
  table.push_back(plain(
      {.name = "bits",
       .group = kGroup,
       .type = "B",
       .help = "Bits of a pixel to keep, 1 to 8: the highest",
       .scope = kOfImages,
       .check = count_check(8)},
      [](auto& s) -> auto& { return s.image.bits; }));
  table.push_back(size(
      {.name = "crop",
       .group = kGroup,
       .type = "HxW",
       .help = "Take the middle HxW pixels of every image",
       .by_default = "all pixels",
       .scope = kOfImages},
      [](auto& s) -> auto& { return s.image.crop; }));
  table.push_back(size(
      {.name = "resize",
       .group = kGroup,
       .type = "HxW",
       .help = "Resize every image, cropped or not, to HxW pixels, whatever its proportions",
       .by_default = "as it is",
       .scope = kOfImages},
      [](auto& s) -> auto& { return s.image.resize; }));
  table.push_back(choice(
      {.name = "header",
       .type = "WHEN",
       .help = "Whether the first row names the columns: yes, no or auto",
       .scope = kOfTables},
      header_modes(), [](auto& s) -> auto& { return s.table.header; }));
  table.push_back(plain(
      {.name = "columns",
       .type = "NAMES",
       .help = "Columns to use, by name: a,b,c",
       .by_default = "all",
       .scope = kOfTables},
      [](auto& s) -> auto& { return s.table.columns; }));
  table.push_back(choice(
      {.name = "na",
       .type = "POLICY",
       .help = "Rows with a missing value: drop them, or end with an error",
       .scope = kOfTables},
      na_policies(), [](auto& s) -> auto& { return s.table.na; }));
  table.push_back(plain(
      {.name = "bounds",
       .type = "BOUNDS",
       .help = "Bounds of columns, which no sample crosses: a=0:1,b=0:,c=:100",
       .by_default = "none",
       .scope = kOfTables,
       .check = check_bounds},
      [](auto& s) -> auto& { return s.bounds; }));
  table.push_back(plain(
      {.name = "continuous",
       .type = "NAMES",
       .help = "Integer columns to take as they are, not spread over their steps: "
               "a,b or all",
       .by_default = "none",
       .scope = kOfTables},
      [](auto& s) -> auto& { return s.continuous; }));
  table.push_back(plain(
      {.name = "weights",
       .type = "NAME",
       .help = "Column of the rows' weights, which is not modelled",
       .by_default = "none; every row weighs the same",
       .scope = kOfTables},
      [](auto& s) -> auto& { return s.weights; }));
  table.push_back(plain(
      {.name = "val-fraction",
       .type = "PART",
       .help = "Part of the rows held out for validation",
       .by_default = "0.1, from 5,000 rows on 500 of them, from 10,000 on 0.05; where "
                     "fit refits to all rows 0.2; 10,000 rows or 500 images at most",
       .check = inside_unit()},
      [](auto& s) -> auto& { return s.val_fraction; }));
  table.push_back(plain(
      {.name = "given",
       .type = "NAMES",
       .help = "Columns to take as given: the density is that of the others "
               "conditional on these: x1,x2",
       .by_default = "none",
       .scope = kOfTables},
      [](auto& s) -> auto& { return s.given; }));
  table.push_back(choice(
      {.name = "refit",
       .type = "ANSWER",
       .help = "Fit once more to all rows, those held out as well, over as many "
               "passes as were best: yes or no",
       .by_default = "yes, up to 20,000 rows",
       .scope = kOfTables,
       .once = "no"},
      yes_or_no(), [](auto& s) -> auto& { return s.refit; }));
}

void add_flow_settings(std::vector<Setting>& table) {
  constexpr const char* kGroup = "Flow";
  table.push_back(choice(
      {.name = "model",
       .group = kGroup,
       .type = "MODEL",
       .help = "iresnet, or a coupling flow: nice, realnvp, glow or spline"},
      model_kinds(), [](auto& s) -> auto& { return s.flow.model; }));
  table.push_back(choice(
      {.name = "start",
       .group = kGroup,
       .type = "START",
       .help = "What a fit of a table begins from: gaussian, which blocks are learned in front of, "
               "or stack, a mixture of Gaussians that is weighed by cross-validation and is the "
               "model as it is",
       .by_default = "stack below 1,000 rows of one column or of three and more, where no "
                     "setting of the training is given and no column is; else gaussian",
       .scope = {.data = DataKind::kTables, .models = {ModelKind::kIResNet}},
       .once = "gaussian"},
      starts(), [](auto& s) -> auto& { return s.start; }));
  table.push_back(plain(
      {.name = "blocks",
       .group = kGroup,
       .type = "N",
       .help = "Residual blocks, or coupling layers",
       .by_default = "20, of images 24; of coupling flows 8 or 16",
       .check = count_check(10000)},
      [](auto& s) -> auto& { return s.flow.blocks; }));
  table.push_back(plain(
      {.name = "bins",
       .group = kGroup,
       .type = "N",
       .help = "Pieces of a spline",
       .by_default = "8; below 5,000 rows of three and more columns 3, of images 4",
       .scope = {.models = {ModelKind::kSpline}},
       .check = count_check(kMaxSplineBins)},
      [](auto& s) -> auto& { return s.flow.bins; }));
  table.push_back(plain(
      {.name = "hidden",
       .group = kGroup,
       .type = "WIDTHS",
       .help = "Widths of a block's hidden layers: 32,32",
       .by_default = "32,32; of three and more columns 128, from 5,000 rows on 64; of images "
                     "24,24; of coupling flows 64,64, of images 40,40 or 32,32",
       .check = count_check(65536)},
      [](auto& s) -> auto& { return s.flow.hidden; }));
  table.push_back(plain(
      {.name = "activation",
       .group = kGroup,
       .type = "NAME",
       .help = "Activation: sine, tanh, clipswish, elu, ...",
       .by_default = "sine; up to 20,000 rows of one or two columns, and no budget given, the "
                     "better of sine and tanh in a trial; of images clipswish; of coupling "
                     "flows relu or sine",
       .check = check_activation},
      [](auto& s) -> auto& { return s.flow.activation; }));
  table.push_back(plain(
      {.name = "activation-start",
       .group = kGroup,
       .type = "A",
       .help = "First value of the activation's learned parameter",
       .by_default = "0.5 to 10, by model, rows and columns; of images 1",
       .check = positive()},
      [](auto& s) -> auto& { return s.flow.activation_start; }));
  table.push_back(plain(
      {.name = "activation-first",
       .group = kGroup,
       .help = "Blocks begin with an activation, not with a linear layer",
       .by_default = "those of images do",
       .scope = kOfBlocks},
      [](auto& s) -> auto& { return s.flow.activation_first; }));
  table.push_back(plain(
      {.name = "coefficient",
       .group = kGroup,
       .type = "C",
       .help = "Bound on the spectral norm of every linear layer",
       .by_default = "0.99, of three and more columns 0.97, of images 0.98",
       .scope = kOfBlocks,
       .check = inside_unit()},
      [](auto& s) -> auto& { return s.flow.coefficient; }));
  table.push_back(choice(
      {.name = "marginal",
       .group = kGroup,
       .type = "MAP",
       .help = "Images: what is done to every pixel first, gaussian or logit",
       .scope = kOfImages},
      pixel_marginals(), [](auto& s) -> auto& { return s.flow.marginal; }));
  table.push_back(plain(
      {.name = "alpha",
       .group = kGroup,
       .type = "ALPHA",
       .help = "Of --marginal logit",
       .scope = {.data = DataKind::kImages, .marginals = {PixelMarginal::kLogit}},
       .check =
           number_check("a number between 0 and 0.5", [](double x) { return x > 0 && x < 0.5; })},
      [](auto& s) -> auto& { return s.flow.alpha; }));
  table.push_back(plain(
      {.name = "start-gain",
       .group = kGroup,
       .type = "GAIN",
       .help = "Initial norm of every block's last layer; 0 begins with a Gaussian",
       .by_default = "1, of three and more columns 0",
       .scope = kOfBlocks,
       .check = number_check("a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; })},
      [](auto& s) -> auto& { return s.flow.start_gain; }));
}

void add_training_settings(std::vector<Setting>& table) {
  constexpr const char* kGroup = "Training";
  table.push_back(plain(
      {.name = "steps",
       .group = kGroup,
       .type = "N",
       .help = "Training steps",
       .by_default = "2,000 to 140,000, by rows and columns; of images a quarter "
                     "of their number, 1,000 to 20,000",
       .check = count_check(kMaxSteps)},
      [](auto& s) -> auto& { return s.train.steps; }));
  table.push_back(plain(
      {.name = "batch",
       .group = kGroup,
       .type = "N",
       .help = "Rows per step",
       .by_default = "64 to 256, by model, rows and columns; of images 32",
       .check = count_check(std::uint64_t{1} << 20U)},
      [](auto& s) -> auto& { return s.train.batch; }));
  table.push_back(plain(
      {.name = "lr",
       .group = kGroup,
       .type = "RATE",
       .help = "Learning rate at the top of its schedule",
       .by_default = "0.003 to 0.01, by rows and columns; of images 0.01; of "
                     "coupling flows of tables 0.002, nice 0.0005",
       .check = positive()},
      [](auto& s) -> auto& { return s.train.learning_rate; }));
  table.push_back(plain(
      {.name = "warmup",
       .group = kGroup,
       .type = "PART",
       .help = "Part of the steps over which the rate rises",
       .by_default = "0.05; of coupling flows of images 0.1",
       .check = fraction_below_1()},
      [](auto& s) -> auto& { return s.train.warmup; }));
  table.push_back(plain(
      {.name = "ema",
       .group = kGroup,
       .type = "DECAY",
       .help = "Decay of the averaged parameters, per step",
       .check = fraction_below_1()},
      [](auto& s) -> auto& { return s.train.ema; }));
  table.push_back(plain(
      {.name = "l1",
       .group = kGroup,
       .type = "STRENGTH",
       .help = "Shrink the weights of residual blocks towards 0, each step by the learning "
               "rate times this",
       .by_default = "0; of three and more columns 1.2 (batch / rows)^(2/3), at most 0.8",
       .scope = kOfBlocks,
       .check = number_from_0(),
       .once = 0.0},
      [](auto& s) -> auto& { return s.train.l1; }));
  table.push_back(plain(
      {.name = "jacobian-penalty",
       .group = kGroup,
       .type = "STRENGTH",
       .help = "What ||J||_F^2 / 2 costs in nats per row and block, J a block's Jacobian; with "
               "--logdet exact",
       .by_default = "below 50,000 rows of one or two columns 300 / rows, at most 0.1; else 0",
       .scope = {.models = {ModelKind::kIResNet}, .methods = {LogDetMethod::kExact}},
       .check = number_from_0(),
       .once = 0.0},
      [](auto& s) -> auto& { return s.train.jacobian_penalty; }));
  table.push_back(plain(
      {.name = "clip",
       .group = kGroup,
       .type = "TIMES",
       .help = "A parameter's gradient counts at most so many times its usual norm; 0: "
               "whatever it is",
       .by_default = "0; of coupling flows of one or two columns 4, of images 2",
       .check = number_from_0(),
       .once = 0.0},
      [](auto& s) -> auto& { return s.train.clip; }));
  table.push_back(plain(
      {.name = "power-iterations",
       .group = kGroup,
       .type = "N",
       .help = "Power iterations of every matrix, each time",
       .by_default = "1; of one or two columns 2",
       .scope = kOfBlocks,
       .check = count_check(1000)},
      [](auto& s) -> auto& { return s.train.power_iterations; }));
  table.push_back(plain(
      {.name = "norm-every",
       .group = kGroup,
       .type = "N",
       .help = "Steps between power iterations",
       .by_default = "1; of images 4",
       .scope = kOfBlocks,
       .check = count_check(1000)},
      [](auto& s) -> auto& { return s.train.norm_every; }));
  table.push_back(plain(
      {.name = "validate-every",
       .group = kGroup,
       .type = "N",
       .help = "Steps between validations",
       .by_default = "a hundredth of --steps; of images a twentieth, at least 250",
       .check = count_check(kMaxSteps)},
      [](auto& s) -> auto& { return s.train.validate_every; }));
  table.push_back(plain(
      {.name = "patience",
       .group = kGroup,
       .type = "N",
       .help = "Stop after so many steps without a better validation; 0: never",
       .by_default = "two fifths of --steps",
       .check = whole_number_check()},
      [](auto& s) -> auto& { return s.train.patience; }));
}

// One number says which tail roulette has, and how long it is (flow/log_det.h).
Setting continuation_setting(const char* group) {
  Setting s = {.name = "continuation",
               .group = group,
               .type = "Q",
               .help =
                   "Roulette: the chance of each further term; 0: of term k or more, "
                   "(terms / k)^2, for Jacobians that come close to 1",
               .by_default = "0.5, of images 0",
               .scope = {.models = {ModelKind::kIResNet}, .methods = {LogDetMethod::kRoulette}},
               .check = fraction_below_1()};
  s.read = detail::read_text<double>;
  s.get = [](const Settings& all) { return nlohmann::json(tail_to_number(all.train.log_det)); };
  s.set = [](JsonFields& fields, Settings& all) {
    set_tail(all.train.log_det, fields.get<double>("continuation"));
  };
  s.copy = [](const Settings& from, Settings& to) {
    to.train.log_det.tail = from.train.log_det.tail;
    to.train.log_det.continuation = from.train.log_det.continuation;
  };
  return s;
}

void add_log_det_settings(std::vector<Setting>& table) {
  constexpr const char* kGroup = "Log-determinant while training";
  table.push_back(choice(
      {.name = "logdet",
       .group = kGroup,
       .type = "METHOD",
       .help = "auto, exact, series or roulette",
       .by_default = "auto: exact up to 16 columns, from 5,000 rows on up to 8, "
                     "else roulette, which images have too",
       .scope = kOfBlocks,
       .has_auto = true},
      log_det_methods(), [](auto& s) -> auto& { return s.train.log_det.method; }));
  table.push_back(plain(
      {.name = "terms",
       .group = kGroup,
       .type = "N",
       .help = "Terms of the series, or in front of roulette's random ones",
       .by_default = "auto: 2 for roulette, for the series by its proved "
                     "truncation bound",
       .scope = kOfEstimates,
       .has_auto = true,
       .check = auto_or_count_check(10000)},
      [](auto& s) -> auto& { return s.train.log_det.terms; }));
  table.push_back(plain(
      {.name = "probes",
       .group = kGroup,
       .type = "N",
       .help = "Random probes per row and block",
       .by_default = "1; of unit vectors one for each column",
       .scope = kOfEstimates,
       .check = count_check(1024)},
      [](auto& s) -> auto& { return s.train.log_det.probes; }));
  table.push_back(choice(
      {.name = "probe",
       .group = kGroup,
       .type = "KIND",
       .help = "rademacher, gaussian, or unit vectors",
       .scope = kOfEstimates},
      probe_kinds(), [](auto& s) -> auto& { return s.train.log_det.probe; }));
  table.push_back(continuation_setting(kGroup));
  table.push_back(choice(
      {.name = "gradient",
       .group = kGroup,
       .type = "KIND",
       .help = "neumann, or basic: backpropagation through every term",
       .scope = kOfEstimates},
      log_det_gradients(), [](auto& s) -> auto& { return s.train.log_det.gradient; }));
}

// Whether a setting has a meaning only where something is learned step by step.
bool is_learned(const Setting& row) {
  if (row.name == "val-fraction" || row.name == "refit" || row.name == "given") return true;
  const bool is_of_data = row.group.empty() || row.group == "Images";
  return !is_of_data && row.name != "model" && row.name != "start";
}

}  // namespace

const std::vector<Setting>& settings_table() {
  static const std::vector<Setting> table = [] {
    std::vector<Setting> rows;
    add_data_settings(rows);
    add_flow_settings(rows);
    add_training_settings(rows);
    add_log_det_settings(rows);
    for (Setting& row : rows) row.scope.learned = is_learned(row);
    rows.push_back(plain(
        {.name = "seed",
         .group = "Shared options",
         .type = "N",
         .help = "Seed of all random numbers",
         .check = whole_number_check()},
        [](auto& s) -> auto& { return s.train.seed; }));
    return rows;
  }();
  return table;
}

const Setting& find_setting(const std::string& name) {
  std::vector<std::string> names;
  for (const Setting& s : settings_table()) {
    if (s.name == name) return s;
    names.push_back(s.name);
  }
  throw UsageError("unknown setting \"" + name + "\"; did you mean \"" + nearest(name, names) +
                   "\"?");
}

}  // namespace iflow
