// What a fit is, apart from any file format: the fitted model, how it came about, and what resuming
// needs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mean_and_error.h"
#include "baselines/gaussian.h"
#include "baselines/mixture.h"
#include "baselines/pixels.h"
#include "data/images.h"
#include "flow/build_flow.h"
#include "mixture/stack.h"
#include "preprocess/lattice.h"
#include "recipes/settings.h"
#include "train/state.h"

namespace iflow {

// What images are, for a model of images: rows of height x width x channels integers from 0 to
// 2^bits - 1, elements in that order, each spread over [v, v + 1).
struct ImageRecord {
  ImageShape shape;
  int bits = 8;
};

// The data a model was fitted on.
struct DataRecord {
  std::vector<std::string> columns;  // in the order of the data
  std::vector<std::string> given;    // those of them that the density is conditional on
  bool has_header = false;
  std::string hash;  // content_hash of the whole table (data/table.h)
  std::size_t rows = 0;
  std::size_t training_rows = 0;
  std::size_t validation_rows = 0;
  std::optional<ImageRecord> image = {};  // of a model of images, which has no columns
};

// The columns that are modelled, and those of a row as the model takes it: the modelled ones, then
// the given ones; all in the order of the data.
std::vector<std::string> modelled_columns(const DataRecord& data);
std::vector<std::string> row_columns(const DataRecord& data);

// Proved bounds by name: of the spectral norm of every normalised matrix
// ("flow.3.branch.0.weight"), and of the Lipschitz constant of every residual branch ("flow.3").
struct LipschitzRecord {
  std::map<std::string, double> matrices, blocks;
};

// Whether a bound that was computed anew keeps a recorded one. The arithmetic is the same, but
// another build may add up in another order.
bool keeps_bound(double found, double recorded);

// Of a fit that is a stacked mixture (mixture/stack.h): how it was weighed.
struct StackRecord {
  MeanAndError held_out = {};  // ln p per row, nats, by members that were not fitted to the row
  std::size_t folds = 0;
  std::vector<StackMember> members;
  std::vector<double> map_gains;  // of the columns' maps, held-out nats per row; none: no maps
};

// A run and its result at some validation point.
//
// A refit is a second fit from the beginning: to the rows that the first one was validated on as
// well, by the same plan, but over as many passes only as were the best of the first. Once it is
// done, the parameters and the baselines are those of the refit.
struct Fit {
  FlowConfig flow;
  std::vector<LatticeColumn> lattices;  // of the integer columns, which are dequantised
  Settings settings;
  DataRecord data;
  Gaussian gaussian;      // baseline of the model's rows, the given columns included
  Mixture mixture;        // the same
  PixelHistogram pixels;  // the baseline of images, which have no other
  // At step 0, while a trial has yet to choose the activation: the names of the settings that were
  // given, which bind its candidates.
  std::optional<std::vector<std::string>> undecided;
  TrainState state;
  std::optional<TrainState> refit;   // read from a checkpoint it has no best parameters of its own
  std::vector<float> parameters;     // effective: the best of the training; of the refit once it is
                                     // done
  std::optional<StackRecord> stack;  // of a fit that begins and ends with it
  LipschitzRecord lipschitz;         // as it was recorded; saving proves it anew
};

// The step of the plan that a refit ends with.
std::uint64_t refit_steps(const Fit& fit);

// Whether the refit has come to its last step, and the model is the refitted one.
bool is_refitted(const Fit& fit);

}  // namespace iflow
