// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/ops/cast.h"

namespace gantry::cuda {

// For map_kernel.
template <CastDesc::Scale kScale>
struct Cast {
  const float* scale;
  __device__ void operator()(int64_t, const float (&x)[1], float (&y)[1]) const {
    y[0] = x[0];
    if constexpr (kScale == CastDesc::Scale::kTimes) y[0] = x[0] * *scale;
    if constexpr (kScale == CastDesc::Scale::kOver) y[0] = x[0] / *scale;
  }
};

}  // namespace gantry::cuda
