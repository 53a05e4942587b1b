// What a checkpoint says: the fitted model, how it came about, and what resuming needs. The layout
// on disk is store_layout.h's; the fields of model.json are this file's and those of the *_json.h.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/store_reader.h"
#include "checkpoint/store_writer.h"
#include "data/images.h"
#include "flow/build_flow.h"
#include "flow/model.h"
#include "objective/gaussian.h"
#include "objective/mixture.h"
#include "objective/pixels.h"
#include "preprocess/lattice.h"
#include "train/trainer.h"

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

// A run and its result at some validation point.
struct Fit {
  FlowConfig flow;
  std::vector<LatticeColumn> lattices;  // of the integer columns, which are dequantised
  TrainConfig train;
  DataRecord data;
  Gaussian gaussian;       // baseline, fitted on the training rows, the given columns included
  Mixture mixture;         // the same
  PixelHistogram pixels;   // the baseline of images, which have no other
  nlohmann::json options;  // every effective option of `iflow fit`, by its long name
  TrainState state;
  LipschitzRecord lipschitz;  // as it was recorded; saving proves it anew
};

// Writes `fit` as the directory's new content.
void save_fit(CheckpointWriter& writer, const Fit& fit);

// Everything, to resume from. Throws CheckpointError.
Fit load_fit(const std::string& directory);

// The part of a checkpoint that evaluation needs. `state` holds the history and the best parameters
// only. Throws CheckpointError.
Fit load_fit_without_training(const std::string& directory);

// The model of a checkpoint: its best parameters. Throws CheckpointError, also when the parameters
// don't keep the flow invertible.
Model load_model(const std::string& directory);
Model model_of(const Fit& fit, const std::string& directory);

}  // namespace iflow
