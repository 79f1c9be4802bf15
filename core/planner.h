// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/program.h"

namespace gantry {

// A buffer that must keep its place from step `first` to step `last`, both included.
struct Lifetime {
  size_t bytes = 0;
  uint32_t first = 0;
  uint32_t last = 0;
};

struct Placement {
  std::vector<size_t> offsets;  // one per lifetime, aligned to kArenaAlignment
  size_t peak = 0;              // size of the arena
  size_t lower_bound = 0;       // most bytes alive at one step; no placement can need less
};

inline constexpr size_t kArenaAlignment = 256;

// Places buffers in one arena so that no two that live at the same step overlap.
// Greedy by size (largest first, lowest offset that fits); deterministic.
Placement place(const std::vector<Lifetime>& lifetimes);

// Where everything of a program goes.
struct MemoryPlan {
  static constexpr size_t kUnplaced = SIZE_MAX;
  std::vector<size_t> buffer_offsets;   // per program buffer; kUnplaced if external or never used
  std::vector<size_t> scratch_offsets;  // per call; kUnplaced if it needs none
  std::vector<Lifetime> lifetimes;      // per program buffer (bytes 0 if external or unused)
  size_t arena_bytes = 0;
  size_t lower_bound = 0;
  size_t external_bytes = 0;
  size_t apart_bytes = 0;  // of all buffers and scratch, were none to share memory with another
};

// Lifetimes follow from the calls: first to last call that names the buffer; scratch lives for
// its call alone.
MemoryPlan plan_memory(const Program& program);

}  // namespace gantry
