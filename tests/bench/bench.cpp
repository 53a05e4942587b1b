// `make bench`: what the machine can do, and what share of it the program reaches. Timings are
// medians of several repeats; nothing here is a test.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/build_info.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "bench/convolutions.h"
#include "bench/image_step.h"
#include "bench/measure.h"
#include "bench/step_time.h"
#include "data/toy.h"
#include "kernels/activation.h"
#include "kernels/matmul.h"
#include "kernels/simd.h"
#include "model/flow_model.h"
#include "nn/lipschitz.h"
#include "recipes/defaults.h"
#include "report/text_table.h"
#include "train/adam.h"
#include "train/trainer.h"

namespace iflow {
namespace {

constexpr std::size_t kDimension = 2;

// Groups of rows that the trainer works on at a time, by the widest layer (train/trainer.cpp).
std::size_t tile_groups(std::size_t widest) { return widest <= 32 ? 2 : 4; }
std::size_t tangent_groups(std::size_t widest) { return (1 + kDimension) * tile_groups(widest); }

template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t n) : memory_(n + kPad) {
    Rng rng(1, RngPurpose::kTest, n);
    for (T& x : memory_) x = static_cast<T>(rng.uniform() - 0.5);
  }
  T* data() {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    return reinterpret_cast<T*>((address + 63) / 64 * 64);
  }

 private:
  static constexpr std::size_t kPad = 64 / sizeof(T);
  std::vector<T> memory_;
};

struct ProductSeconds {
  double forward, input_gradient, weight_gradient;
  double sum() const { return forward + input_gradient + weight_gradient; }
};

// One tile with tangents through one (m, k) layer.
ProductSeconds time_products(std::size_t m, std::size_t k) {
  const std::size_t groups = tangent_groups(std::max(m, k));
  Buffer<float> w(m * k), x(groups * k * kLanes), y(groups * m * kLanes);
  Buffer<float> dx(groups * k * kLanes), dw(m * k);
  const auto view = kernels::row_major<float>(w.data(), m, k);
  return {median_seconds([&] { kernels::matmul(view, x.data(), y.data(), groups, false); }),
          median_seconds(
              [&] { kernels::matmul(view.transposed(), y.data(), dx.data(), groups, false); }),
          median_seconds(
              [&] { kernels::weight_gradient(y.data(), x.data(), dw.data(), m, k, groups); })};
}

double product_flops(std::size_t m, std::size_t k) {
  return 2.0 * static_cast<double>(m * k * tangent_groups(std::max(m, k)) * kLanes);
}

void print_kernels(double peak) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [m, k] : std::vector<std::pair<std::size_t, std::size_t>>{
           {32, 2}, {32, 32}, {2, 32}, {128, 2}, {128, 128}, {2, 128}}) {
    const ProductSeconds t = time_products(m, k);
    const auto share = [&](double seconds) {
      return flops_and_share(product_flops(m, k) / seconds, peak);
    };
    rows.push_back({std::to_string(m) + " x " + std::to_string(k), share(t.forward),
                    share(t.input_gradient), share(t.weight_gradient)});
  }
  std::printf(
      "Matrix products on a tile of %zu rows (%zu beyond 32 x 32) with 2 tangents, float, one "
      "thread, GFLOP/s (share of peak)\n%s\n",
      tile_groups(32) * kLanes, tile_groups(128) * kLanes,
      format_text_table({"weight", "forward", "input gradient", "weight gradient"}, rows).c_str());
}

struct Setting {
  std::string name;
  FlowOptions flow;
  std::size_t batch;
};

FlowConfig flow_config(const Setting& setting) { return make_flow(setting.flow, {{0, 0}, {1, 1}}); }

std::unique_ptr<Trainer> make_trainer(const Setting& setting) {
  TrainConfig config = default_train_config(10000, kDimension);
  config.batch = setting.batch;
  set_plan(config, 1000000);
  TrainingData data;
  static const std::vector<double> points = find_toy("moons").sample(1, 0, 10000);
  data.rows = std::make_shared<const std::vector<float>>(points.begin(), points.end());
  data.validation = std::span(points).first(200);
  auto trainer = std::make_unique<Trainer>(flow_config(setting), config, std::move(data));
  trainer->start();
  return trainer;
}

// Floating-point operations of the matrix products that one training step needs: forward, input
// gradient and weight gradient of every layer, for the values and tangents of the batch's rows; of
// a block's first layer for the values alone, as its tangents are the columns of the weight. Values
// that are made a second time don't count.
double step_flops(const ParameterLayout& layout, std::size_t batch) {
  double flops = 0;
  for (const ParameterInfo& info : layout.entries()) {
    if (info.max_norm == 0) continue;
    const bool first = info.name.ends_with(".branch.0.weight");
    flops += 3 * 2.0 * static_cast<double>(info.size() * (first ? 1 : 1 + kDimension));
  }
  return flops * static_cast<double>(batch);
}

// Seconds a step spends in each kind of work, one thread, by replaying the kernel calls of a step
// on data in cache.
struct Parts {
  double products = 0, activations = 0, spectral_norm = 0, optimiser = 0;
};

Parts replay_parts(const Setting& setting, const ParameterLayout& layout) {
  const std::vector<std::size_t>& hidden = setting.flow.hidden;
  const std::size_t groups = tile_groups(*std::max_element(hidden.begin(), hidden.end()));
  const double tiles = static_cast<double>(setting.batch) / static_cast<double>(groups * kLanes);
  const auto blocks = static_cast<double>(setting.flow.blocks);
  Parts parts;
  std::vector<std::size_t> widths = {kDimension};
  widths.insert(widths.end(), setting.flow.hidden.begin(), setting.flow.hidden.end());
  widths.push_back(kDimension);
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    parts.products += blocks * tiles * time_products(widths[i + 1], widths[i]).sum();
  }
  for (const std::size_t width : setting.flow.hidden) {
    const std::size_t values = groups * width * kLanes;
    Buffer<float> z(3 * values), y(3 * values), dy(3 * values), dz(3 * values);
    Buffer<float> first(values);
    parts.activations +=
        blocks * tiles * median_seconds([&] {
          kernels::activation_forward(Activation::kSine, 4.0F, z.data(), y.data(), first.data(),
                                      width, groups, kDimension);
          kernels::activation_backward(Activation::kSine, 4.0F, z.data(), y.data(), first.data(),
                                       dy.data(), dz.data(), width, groups, kDimension);
        });
  }
  for (std::size_t i = 0; i < layout.entries().size(); ++i) {
    const ParameterInfo& info = layout[i];
    Buffer<float> w(info.size()), g(info.size()), m(info.size()), v(info.size());
    Buffer<float> effective(info.size());
    if (i < 12) {  // the blocks are alike: the first one or two stand for all
      const double scale = static_cast<double>(layout.entries().size()) / 12;
      parts.optimiser +=
          scale *
          median_seconds(
              [&] {
                std::fill_n(m.data(), info.size(),
                            0.01F);  // keeps the moments from fading to denormals
                std::fill_n(v.data(), info.size(), 0.01F);
                adam_update({{}, 1e-9, 100}, g.data(), info.size(), w.data(), m.data(), v.data());
              },
              3, 0.002);
      if (info.max_norm == 0) continue;
      PowerVectors vectors = initial_power_vectors(info, 1, i);
      parts.spectral_norm +=
          scale * median_seconds(
                      [&] {
                        const float sigma = power_iteration(w.data(), vectors, 1);
                        normalise_matrix(w.data(), info.size(), sigma, 0.5F, effective.data());
                        pull_back_through_norm(w.data(), vectors, sigma, 0.5F, g.data());
                      },
                      3, 0.002);
    }
  }
  return parts;
}

void print_training_step(const Setting& setting) {
  const std::unique_ptr<Trainer> trainer = make_trainer(setting);
  const ParameterLayout& layout = trainer->flow().layout();
  const double flops = step_flops(layout, setting.batch);
  std::printf("Training step, %s: %zu blocks, %zu parameters, batch %zu, %.1f MFLOP in products\n",
              setting.name.c_str(), setting.flow.blocks, layout.count(), setting.batch,
              flops * 1e-6);
  const double one = print_step_time(*trainer, flops).seconds;
  const Parts parts = replay_parts(setting, layout);
  const double rest =
      one - parts.products - parts.activations - parts.spectral_norm - parts.optimiser;
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& name, double seconds) {
    rows.push_back({name, number(seconds * 1e3, 3), number(100 * seconds / one, 0) + " %"});
  };
  add("matrix products", parts.products);
  add("activations", parts.activations);
  add("spectral norm", parts.spectral_norm);
  add("optimiser", parts.optimiser);
  add("rest", rest);
  std::printf("%s\n", format_text_table({"part, replayed in cache", "ms", "share"}, rows).c_str());
}

void print_evaluation(const Setting& setting) {
  const std::unique_ptr<Trainer> trainer = make_trainer(setting);
  const Model model(flow_config(setting), trainer->state().best);
  const std::vector<double> points = find_toy("moons").sample(1, 0, 20000);
  std::vector<std::vector<std::string>> rows;
  for (const int n : {1, 2}) {
    set_threads(n);
    const double density = median_seconds([&] { model.log_density(points); }, 5);
    InversionReport report;
    const double decode = median_seconds([&] { model.decode(points, {}, report); }, 5);
    rows.push_back({std::to_string(n), number(20000 / density, 0), number(20000 / decode, 0)});
  }
  std::printf("Evaluation in double, %s, untrained, rows per second\n%s\n", setting.name.c_str(),
              format_text_table({"threads", "log-density", "inverse"}, rows).c_str());
}

void run() {
  const BuildInfo build = build_info();
  const double peak = peak_flops<float>();
  std::printf("iflow %s, %s, %s, %d processors\n", build.version.c_str(), build.compiler.c_str(),
              build.simd.c_str(), available_threads());
  std::printf("Peak of one thread, multiply-adds in registers: %.0f GFLOP/s float, %.0f double\n\n",
              peak * 1e-9, peak_flops<double>() * 1e-9);
  set_threads(1);
  print_kernels(peak);
  print_convolutions(peak);
  FlowOptions defaults = default_flow_options(10000, kDimension);
  FlowOptions big = defaults;
  big.blocks = 100;
  big.hidden = {128, 128, 128, 128};
  const Setting usual{"the defaults", defaults, default_train_config(10000, kDimension).batch};
  print_training_step(usual);
  print_training_step({"the big setting", big, 500});
  print_image_step();
  print_evaluation(usual);
}

}  // namespace
}  // namespace iflow

int main() { iflow::run(); }
