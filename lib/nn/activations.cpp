#include "nn/activations.h"

#include "base/error.h"
#include "base/nearest.h"

namespace iflow {

namespace {

struct NamedActivation {
  const char* name;
  ChannelActivation activation;
};

constexpr NamedActivation kActivations[] = {
    {"sigmoid", {Activation::kSigmoid, false}},   {"tanh", {Activation::kTanh, false}},
    {"relu", {Activation::kRelu, false}},         {"elu", {Activation::kElu, false}},
    {"lipswish", {Activation::kLipSwish, false}}, {"clipswish", {Activation::kLipSwish, true}},
    {"sine", {Activation::kSine, false}},
};

}  // namespace

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const NamedActivation& a : kActivations) list.emplace_back(a.name);
    return list;
  }();
  return names;
}

ChannelActivation find_activation(const std::string& name) {
  for (const NamedActivation& a : kActivations) {
    if (name == a.name) return a.activation;
  }
  throw UsageError("unknown activation \"" + name + "\"; did you mean \"" +
                   nearest(name, activation_names()) + "\"?");
}

}  // namespace iflow
