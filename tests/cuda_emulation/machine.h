// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/fiber.h"

namespace gantry::emulation {

// When and by whom a word or byte was last touched. `block` counts all blocks ever run.
struct Touch {
  uint32_t block = 0;
  uint16_t thread = 0;
  uint16_t epoch = 0;  // barriers that the block had passed
};
struct Cell {
  Touch write, read;
};
inline constexpr uint16_t kSeveral = UINT16_MAX;            // threads of the block have read
inline constexpr uint16_t kSeveralBlocks = UINT16_MAX - 1;  // blocks of the launch have read

struct Thread {
  enum class State : uint8_t { kReady, kAtBarrier, kInWarp, kDone };
  Fiber fiber;
  State state = State::kDone;
  std::source_location where;
  Exchange kind{};
  unsigned mask = 0, source = 0;
  uint64_t value = 0;
};

// What is known of the memory of an allocation. Accesses of less than a word are kept apart from
// the others, as neighbours in one word are no concern of each other's.
struct Shadow {
  Cell* words = nullptr;       // one per 4 bytes
  Cell* bytes = nullptr;       // one per byte
  uint8_t* written = nullptr;  // one per byte: 1 where somebody has written
  bool narrow = false;         // there were accesses of less than a word
};
struct Allocation {
  char* begin = nullptr;
  size_t bytes = 0;
  Shadow* shadow = nullptr;
};
// The allocation that holds address, or null.
const Allocation* allocation_of(const void* address);

// What runs the blocks of one launch on the calling thread of the host.
class Machine {
 public:
  // Of the host thread that calls.
  static Machine& here();

  void run(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(const void*),
           const void* argument, size_t bytes);

  bool running() const { return current_ != nullptr; }
  void access(const void* address, size_t bytes, bool write, bool atomic);
  // Ends the current kernel: never returns to the device code that called.
  void stop(const std::string& what);

  void wait_at_barrier(std::source_location where);
  uint64_t exchange(Exchange kind, unsigned mask, uint64_t value, unsigned source,
                    std::source_location where);
  void* shared_array(const void* key, size_t bytes);
  void* dynamic_shared();

  dim3 thread_index() const {
    return {index_ % block_.x, index_ / block_.x % block_.y, index_ / (block_.x * block_.y)};
  }
  unsigned index() const { return index_; }
  dim3 block_index() const { return place_; }
  dim3 block() const { return block_; }
  dim3 grid() const { return grid_; }

 private:
  struct SharedArray {
    const void* key;
    size_t begin, bytes;
  };

  static void begin_thread(void* machine);
  void run_block();
  void run_warp(unsigned first);
  bool release_warp(unsigned first);
  bool pass_barrier();
  size_t place_shared(size_t bytes);
  const Allocation* find(const char* address);
  void access_shared(size_t offset, const void* address, size_t bytes, bool write, bool atomic);
  void access_global(const Allocation& memory, const char* p, size_t bytes, bool write,
                     bool atomic);
  // A conflict of this access with what is known of a cell stops the kernel.
  void check(const Cell& cell, const void* address, bool write, uint32_t first_block);
  void touch(Cell& cell, const void* address, bool write, uint32_t first_block);
  std::string thread_name(unsigned thread) const;

  dim3 grid_, block_;
  dim3 place_;
  void (*body_)(const void*) = nullptr;
  const void* argument_ = nullptr;
  size_t argument_bytes_ = 0, dynamic_bytes_ = 0;

  std::vector<std::unique_ptr<Thread>> threads_;
  unsigned thread_count_ = 0;
  unsigned index_ = 0;  // the thread that runs
  Thread* current_ = nullptr;
  std::string defect_;

  uint32_t blocks_run_ = 0, first_block_ = 0;  // the block that runs; the launch's first
  uint16_t epoch_ = 0;
  std::vector<char> shared_;
  std::vector<Cell> shared_cells_;
  std::vector<SharedArray> arrays_;
  size_t shared_end_ = 0;
  std::array<Allocation, 8> recent_{};  // where accesses lately fell
  unsigned oldest_ = 0;
};

}  // namespace gantry::emulation
