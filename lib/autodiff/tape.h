// Reverse-mode differentiation over matrix-level operations.
//
// A variable is a tensor [groups][elements][kLanes] (kernels/simd.h): `groups` groups of kLanes
// rows, each row `elements` numbers. An operation (ops.h) computes its value at once and records a
// closure that carries the adjoint of its output to those of its inputs. First order suffices for
// log-determinants and their gradients: a branch carries tangents along its values (ops.h,
// `unit_tangents`), phi' being part of an ordinary operation whose backward uses phi''.
//
// Memory of values, closures and adjoints is reused from pass to pass.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "autodiff/arena.h"
#include "kernels/simd.h"

namespace iflow {

// A variable on a tape: [groups][elements][kLanes].
struct Var {
  std::uint32_t node = 0;
  std::uint32_t elements = 0;
  std::uint32_t groups = 0;

  std::size_t size() const { return std::size_t{groups} * elements * kLanes; }
};

// A model parameter as an operation sees it: row-major rows x columns, and the buffer its gradient
// is added to (null when no gradient is wanted).
template <class T>
struct Parameter {
  const T* value;
  T* gradient;
  std::size_t rows, columns;
};

template <class T>
class Tape {
 public:
  // A tape that does not record keeps values only: for evaluation.
  explicit Tape(bool recording) : recording_(recording) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  bool recording() const { return recording_; }

  // A new variable whose value is not set yet.
  Var variable(std::size_t elements, std::size_t groups) {
    const Var v{static_cast<std::uint32_t>(nodes_.size()), static_cast<std::uint32_t>(elements),
                static_cast<std::uint32_t>(groups)};
    nodes_.push_back({scratch(v.size()), kNone, nullptr, nullptr});
    return v;
  }

  T* value(Var v) { return nodes_[v.node].value; }
  const T* value(Var v) const { return nodes_[v.node].value; }

  // n numbers that live as long as the variables do.
  T* scratch(std::size_t n) { return arena_.allocate_array<T>(n); }

  // n numbers for the length of a scope, from the pool of adjoint buffers.
  class Workspace {
   public:
    Workspace(Tape& tape, std::size_t n) : tape_(tape), buffer_(n > 0 ? tape.take(n) : kNone) {}
    ~Workspace() {
      if (buffer_ != kNone) tape_.give_back(buffer_);
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    T* data() const { return buffer_ == kNone ? nullptr : tape_.buffers_[buffer_].data; }

   private:
    Tape& tape_;
    std::uint32_t buffer_;
  };
  Workspace workspace(std::size_t n) { return Workspace(*this, n); }

  // Records the backward of `out`: f(tape) runs once the adjoint of `out` is complete.
  // f must be trivially destructible (capture Vars, pointers and numbers); its memory is the
  // tape's.
  template <class F>
  void on_backward(Var out, F f) {
    static_assert(std::is_trivially_destructible_v<F>);
    if (!recording_) return;
    auto* closure = new (arena_.allocate(sizeof(F))) F(std::move(f));
    nodes_[out.node].closure = closure;
    nodes_[out.node].run = [](void* c, Tape& tape) { (*static_cast<F*>(c))(tape); };
  }

  // Where a backward writes an adjoint: it assigns to `fresh` memory and adds to any other.
  struct Adjoint {
    T* data;
    bool fresh;
  };
  Adjoint adjoint(Var v) {
    Node& node = nodes_[v.node];
    const bool fresh = node.adjoint == kNone;
    if (fresh) node.adjoint = take(v.size());
    return {buffers_[node.adjoint].data, fresh};
  }
  // The same, set to zero when fresh: for operations that write only a part of it.
  T* adjoint_to_add(Var v) {
    const Adjoint a = adjoint(v);
    if (a.fresh) std::fill_n(a.data, v.size(), T(0));
    return a.data;
  }
  // The complete adjoint of `v`, inside a closure recorded for it.
  const T* output_adjoint(Var v) const { return buffers_[nodes_[v.node].adjoint].data; }

  // Runs the closures from the last variable to the first. Adjoints must have been seeded through
  // `adjoint`. Variables that no adjoint reaches are skipped. The adjoints of variables without
  // a closure (the inputs) stay readable.
  void backward() {
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      Node& node = nodes_[i];
      if (node.run == nullptr || node.adjoint == kNone) continue;
      node.run(node.closure, *this);
      give_back(node.adjoint);
    }
  }

  // Forgets all variables; the memory is kept.
  void clear() {
    nodes_.clear();
    arena_.rewind({});
    adjoint_arena_.rewind({});
    buffers_.clear();
    free_.clear();
  }

  struct Mark {
    std::size_t nodes;
    Arena::Mark arena;
  };
  Mark mark() const { return {nodes_.size(), arena_.mark()}; }
  // Forgets the variables made since `mark` was taken. Only without recording.
  void rewind(const Mark& mark) {
    nodes_.resize(mark.nodes);
    arena_.rewind(mark.arena);
  }

  // Bytes reserved from the system.
  std::size_t capacity() const { return arena_.capacity() + adjoint_arena_.capacity(); }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Node {
    T* value;
    std::uint32_t adjoint;  // the number of its buffer, or kNone
    void* closure;
    void (*run)(void*, Tape&);
  };
  // Adjoint buffers are pooled: a buffer returns to the pool when its variable's closure has run,
  // so that the few in use stay in cache.
  struct Buffer {
    T* data;
    std::size_t size;
  };

  // The number of a free buffer of `size` numbers: the last one returned, if there is one.
  std::uint32_t take(std::size_t size) {
    for (std::size_t i = free_.size(); i-- > 0;) {
      const std::uint32_t buffer = free_[i];
      if (buffers_[buffer].size != size) continue;
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
      return buffer;
    }
    buffers_.push_back({adjoint_arena_.template allocate_array<T>(size), size});
    return static_cast<std::uint32_t>(buffers_.size() - 1);
  }
  void give_back(std::uint32_t buffer) { free_.push_back(buffer); }

  bool recording_;
  Arena arena_;
  Arena adjoint_arena_;
  std::vector<Node> nodes_;
  std::vector<Buffer> buffers_;
  std::vector<std::uint32_t> free_;
};

}  // namespace iflow
