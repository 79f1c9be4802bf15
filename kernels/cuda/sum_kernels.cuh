// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// y = sum_k scale[k] x_k + constant, for map_kernel. When adding to y, y is the first input with
// scale 1.
template <int kIn>
struct ScaledSum {
  float scale[kIn > 0 ? kIn : 1];
  float constant;
  __device__ void operator()(int64_t, const float (&x)[kIn > 0 ? kIn : 1], float (&y)[1]) const {
    float sum = 0;
    if constexpr (kIn > 0) sum = scale[0] * x[0];
    for (int k = 1; k < kIn; ++k) sum += scale[k] * x[k];
    y[0] = sum + constant;
  }
};

}  // namespace gantry::cuda
