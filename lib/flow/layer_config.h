// What the configuration of every kind of layer says of itself, so that it is said once:
//
//   static constexpr const char* kKind      what the layer is, as files write it
//   static void fields(auto& f, auto& c)    every number of a configuration c by its name
//   std::string describe() const            the layer in a few words, for people
//   template <class T> std::unique_ptr<Layer<T>> make(const LayerSite& site) const
//                                           the layer; throws UsageError where it makes no sense
//
// A kind with varieties has `std::string variety() const` and `static std::vector<...> varieties()`
// beside these; files write "VARIETY KIND".
//
// `f` is what writes or reads the configuration:
//   f(name, value)                          a number, a text, or a vector
//   f.choice(name, value, names)            one of the values of a map from names to values
//   f.has(name, present)                    whether a field that may be missing is there: what is
//                                           written says by `present`, what is read knows
//   f.of_flow(dimension, condition)         numbers that are the flow's: read, but not written
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "flow/layer.h"
#include "nn/convolutional_branch.h"
#include "nn/parameters.h"

namespace iflow {

// The place in a flow where a layer is made.
struct LayerSite {
  std::size_t dimension;    // elements that reach it
  std::size_t condition;    // numbers in a condition
  ParameterLayout& layout;  // its parameters join it
  std::string name;         // in front of their names: "flow.3"
};

// Throws UsageError where another number of elements than the image's reach the layer.
void check_image(const ImageShape& image, const LayerSite& site);

// "64-32": numbers, in describe().
std::string dashed(const std::vector<std::size_t>& numbers);

// " at 14 x 14", in describe().
std::string at_size(const ImageShape& image);

}  // namespace iflow
