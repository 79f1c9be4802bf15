// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// out[i] = scale (parts[i] + parts[i + stride] + parts[i + 2 stride] + ...), `ranks` of them, along
// the balanced tree of kernels/ops/all_reduce.h. As a binary counter adds up: sum[l] is that of 2^l
// neighbours which waits for the next 2^l.
constexpr int kRankSumLevels = 12;
template <typename Real>
__global__ void rank_sum_kernel(Real* out, const Real* parts, int64_t stride, int ranks,
                                int64_t count, Real scale) {
  for (int64_t i = thread_in_grid(); i < count; i += threads_in_grid()) {
    Real sum[kRankSumLevels] = {};
    for (int rank = 0; rank < ranks; ++rank) {
      Real next = parts[rank * stride + i];
      int level = 0;
      for (; (rank >> level & 1) != 0; ++level) next = sum[level] + next;
      sum[level] = next;
    }
    // What waits, from the fewest: they are the last ranks.
    int level = 0;
    while ((ranks >> level & 1) == 0) ++level;
    Real total = sum[level];
    for (++level; ranks >> level != 0; ++level) {
      if ((ranks >> level & 1) != 0) total = sum[level] + total;
    }
    out[i] = scale * total;
  }
}

}  // namespace gantry::cuda
