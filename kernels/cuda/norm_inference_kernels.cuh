// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// rstd of running variances.
__global__ void __launch_bounds__(256)
    norm_running_rstd_kernel(float* rstd, const float* variance, int columns, double eps) {
  const int64_t column = thread_in_grid();
  if (column < columns)
    rstd[column] = static_cast<float>(1 / sqrt(static_cast<double>(variance[column]) + eps));
}

}  // namespace gantry::cuda
