// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/cuda/map.h"
#include "kernels/cuda/samples_kernels.cuh"

namespace gantry::cuda {

inline Samples samples_of(const Shape& x) { return {x.n, x.per_sample()}; }

template <typename... Pointers>
bool in_quads(const Samples& samples, Pointers... pointers) {
  return samples.size % 4 == 0 && (aligned_to_pack(pointers) && ...);
}

// A row of blocks for each sample: a few quads to a thread, which first works out what the sample
// has in common.
inline LaunchShape rows_of_blocks(const Samples& samples) {
  constexpr int64_t kElements = 16;  // of a thread
  LaunchShape shape = one_thread_each((samples.size + kElements - 1) / kElements);
  shape.grid.y = static_cast<unsigned>(std::min<int64_t>(samples.count, 65535));
  return shape;
}

// Threads of a block that has one sample to read.
inline unsigned threads_of_sample(const Samples& samples) {
  return samples.size < 256 ? kWarp : samples.size < 4096 ? 256 : 1024;
}

}  // namespace gantry::cuda
