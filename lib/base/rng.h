// Counter-based random numbers (Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as
// 1, 2, 3", SC 2011: Philox4x32-10). A draw is a pure function of its key and counter, so that a
// row's numbers never depend on its neighbours, on the batch split or on the threads.
#pragma once

#include <array>
#include <cstdint>

namespace iflow {

// What a stream of random numbers is for; different purposes never share a draw.
enum class RngPurpose : std::uint32_t {
  kToy = 1,          // toy data, per row
  kSplit = 2,        // training / validation split
  kShuffle = 3,      // order of the training rows, per epoch
  kInit = 4,         // initial parameters, per parameter
  kPower = 5,        // start vectors of power iteration
  kLatent = 6,       // z of a sample, per row
  kBaseline = 7,     // starts of the Gaussian-mixture baseline
  kProbe = 8,        // probes of a log-determinant, per block, row and probe
  kRoulette = 9,     // how many terms a log-determinant's series gets
  kDequantise = 10,  // noise of integer columns, per row and column
  kTest = 1000,      // anything in tests and benchmarks
};

// Which of a purpose's streams makes the seed of something that draws by itself: the last argument
// of Rng. Streams of the same purpose differ.
enum class RngStream : std::uint32_t {
  // of kLatent
  kMarginals = 1,  // the samples that marginals are compared with
  // of kProbe
  kLayer = 0,       // a layer's probes, per layer
  kEstimate = 1,    // probes of the estimate that is returned
  kPilot = 2,       // probes that tell how many the estimate takes
  kStep = 3,        // a step of training, per step
  kDraw = 4,        // a draw of the noise of integer columns, per draw
  kConditions = 5,  // conditions of the rows that a verification samples, per row
};

// The stream of numbers that belongs to (seed, purpose, a, b), drawn one after the other.
// For example a = row index, b = block. Streams hold 2^34 32-bit words.
class Rng {
 public:
  Rng(std::uint64_t seed, RngPurpose purpose, std::uint64_t a = 0, std::uint32_t b = 0);
  Rng(std::uint64_t seed, RngPurpose purpose, std::uint64_t a, RngStream b)
      : Rng(seed, purpose, a, static_cast<std::uint32_t>(b)) {}

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  // Uniform on [0, 1), 53 bits.
  double uniform();
  // Uniform on {0, ..., n-1} without bias (rejection); n > 0.
  std::uint64_t below(std::uint64_t n);
  // Standard normal (Box-Muller; two draws are made at a time).
  double normal();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> words_{};
  int used_ = 4;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

// Philox4x32-10 itself: ten rounds on `counter` under `key`.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

}  // namespace iflow
