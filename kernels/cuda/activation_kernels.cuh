// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/activation_math.h"
#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// The three passes as functions of one element, for map_kernel.

template <ActivationKind kKind>
struct ActivationForward {
  ActivationMath<kKind, LibraryMath, float> math;
  __device__ void operator()(int64_t, const float (&x)[1], float (&y)[1]) const {
    y[0] = math.value(x[0]);
  }
};

template <ActivationKind kKind>
struct ActivationBackward {
  ActivationMath<kKind, LibraryMath, float> math;
  // x: s, dy
  __device__ void operator()(int64_t, const float (&x)[2], float (&dx)[1]) const {
    dx[0] = math.slope(x[0]) * x[1];
  }
};

template <ActivationKind kKind>
struct ActivationDoubleBackward {
  ActivationMath<kKind, LibraryMath, float> math;
  // x: s, dy, ux; y: uy, hx
  __device__ void operator()(int64_t, const float (&x)[3], float (&y)[2]) const {
    y[0] = math.slope(x[0]) * x[2];
    y[1] = math.curvature(x[0]) * x[1] * x[2];
  }
};

}  // namespace gantry::cuda
