// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/divisor.cuh"

namespace gantry::cuda {

// y[row] = [y[row] +] sum of a b over the row; a warp per row.
__global__ void __launch_bounds__(256) dot_kernel(const float* a, const float* b, float* y,
                                                  int64_t rows, int64_t size, bool accumulate) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const int64_t warps = threads_in_grid() / kWarp;
  for (int64_t row = thread_in_grid() / kWarp; row < rows; row += warps) {
    double sum = 0;
    for (int64_t e = lane; e < size; e += kWarp)
      sum += static_cast<double>(a[row * size + e]) * static_cast<double>(b[row * size + e]);
    for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
    if (lane > 0) continue;
    y[row] = static_cast<float>(accumulate ? static_cast<double>(y[row]) + sum : sum);
  }
}

// da = dy[sample] b, for map_kernel.
struct ScaleOfSample {
  const float* dy;
  Divisor per_sample;
  __device__ void operator()(int64_t i, const float (&b)[1], float (&da)[1]) const {
    da[0] = dy[per_sample.divide(i)] * b[0];
  }
};

}  // namespace gantry::cuda
