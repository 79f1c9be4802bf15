// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

template <int kWidth>
__global__ void __launch_bounds__(256)
    historical_average_kernel(float* grad, float* mean, const float* p, const int64_t* t,
                              float pull, int64_t size) {
  const float share = static_cast<float>(1 / static_cast<double>(*t + 1));
  for (int64_t i = thread_in_grid() * kWidth; i < size; i += threads_in_grid() * kWidth) {
    auto g = load<kWidth>(grad + i), m = load<kWidth>(mean + i);
    const auto value = load<kWidth>(p + i);
    for (int j = 0; j < kWidth; ++j) {
      m.v[j] += share * (value.v[j] - m.v[j]);
      g.v[j] += pull * (value.v[j] - m.v[j]);
    }
    store<kWidth>(mean + i, m);
    store<kWidth>(grad + i, g);
  }
}

}  // namespace gantry::cuda
