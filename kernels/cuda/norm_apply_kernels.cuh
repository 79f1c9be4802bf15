// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/norm_layout.h"
#include "kernels/cuda/norm_sums_kernels.cuh"

namespace gantry::cuda {

// apply(element) for every pack of kWidth columns of every row, after begin(layout, group, column)
// has read what the columns have in common. Grid: groups x parts of the rows, tiles of columns.
template <int kWidth, typename Apply>
__global__ void __launch_bounds__(kNormThreads)
    norm_apply_kernel(Apply apply, NormLayout r, NormTile tile, int parts) {
  const int across = static_cast<int>(threadIdx.x) % tile.across;
  const int down = static_cast<int>(threadIdx.x) / tile.across;
  const int column = (static_cast<int>(blockIdx.y) * tile.across + across) * kWidth;
  if (column >= r.columns) return;
  const int64_t group = blockIdx.x / parts, part = blockIdx.x % parts;
  apply.begin(r, group, column);
  for (int64_t row = part * tile.down + down; row < r.rows; row += int64_t{parts} * tile.down)
    apply((group * r.rows + row) * r.columns + column);
}

// The normalisation of kWidth columns: z = (x - mean) a + beta with a = gamma rstd, and its
// activation: z where z > 0, else slope z.
template <int kWidth>
struct Affine {
  const float *gamma, *beta, *mean, *rstd;
  float slope;
  Pack<float, kWidth> mu, a, b, weight;

  __device__ void begin(const NormLayout& layout, int64_t group, int column) {
    weight = load<kWidth>(gamma + column);
    b = load<kWidth>(beta + column);
    for (int j = 0; j < kWidth; ++j) {
      const int64_t stat = layout.stat(group, column + j);
      mu.v[j] = mean[stat];
      a.v[j] = weight.v[j] * rstd[stat];
    }
  }
  __device__ float activated(float z) const { return z > 0 ? z : slope * z; }
  // The factor of the activation where x - mean is `centred`.
  __device__ float factor(int j, float centred) const {
    return centred * a.v[j] + b.v[j] > 0 ? 1.0f : slope;
  }
};

}  // namespace gantry::cuda
