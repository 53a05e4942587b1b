// Bump allocation for numbers that live as long as one pass over a few rows. Nothing is freed one
// by one; the memory is kept from pass to pass, and addresses are stable.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace iflow {

class Arena {
 public:
  // A place in the arena to rewind to.
  struct Mark {
    std::size_t chunk = 0;
    std::size_t used = 0;
  };

  // `bytes` bytes of uninitialised memory, aligned to a cache line.
  void* allocate(std::size_t bytes) {
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    while (at_.chunk < chunks_.size() && at_.used + bytes > chunks_[at_.chunk].size) {
      at_ = {at_.chunk + 1, 0};
    }
    if (at_.chunk == chunks_.size()) add_chunk(bytes);
    void* memory = chunks_[at_.chunk].memory.get() + at_.used;
    at_.used += bytes;
    return memory;
  }

  template <class T>
  T* allocate_array(std::size_t n) {
    return static_cast<T*>(allocate(n * sizeof(T)));
  }

  Mark mark() const { return at_; }
  // Gives back everything allocated since `mark` was taken; its memory is used again.
  void rewind(Mark mark) { at_ = mark; }

  // Bytes reserved from the system.
  std::size_t capacity() const {
    std::size_t bytes = 0;
    for (const Chunk& chunk : chunks_) bytes += chunk.size;
    return bytes;
  }

 private:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20U;

  struct Free {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{kAlignment}); }
  };
  struct Chunk {
    std::unique_ptr<std::byte, Free> memory;
    std::size_t size;
  };

  void add_chunk(std::size_t at_least) {
    const std::size_t size = at_least > kChunkBytes ? at_least : kChunkBytes;
    auto* memory = static_cast<std::byte*>(::operator new (size, std::align_val_t{kAlignment}));
    chunks_.push_back({std::unique_ptr<std::byte, Free>(memory), size});
  }

  std::vector<Chunk> chunks_;
  Mark at_;
};

}  // namespace iflow
