// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// Arrays of one length that a map reads or writes.
template <typename T, int kCount>
struct Arrays {
  T* at[kCount > 0 ? kCount : 1];
};

// For each i < size: f(i, x_i, y_i) with x_i the elements i of the inputs and y_i those of the
// outputs. An output may be an input. kWidth elements by one access; what is left over at the end,
// one by one.
template <int kWidth, int kOut, int kIn, typename To, typename From, typename F>
__global__ void __launch_bounds__(256)
    map_kernel(Arrays<To, kOut> outputs, Arrays<const From, kIn> inputs, int64_t size, F f) {
  const int64_t packs = size / kWidth;
  for (int64_t pack = thread_in_grid(); pack < packs; pack += threads_in_grid()) {
    Pack<float, kWidth> x[kIn > 0 ? kIn : 1], y[kOut];
    for (int k = 0; k < kIn; ++k) x[k] = load<kWidth>(inputs.at[k] + pack * kWidth);
    for (int j = 0; j < kWidth; ++j) {
      float from[kIn > 0 ? kIn : 1], to[kOut];
      for (int k = 0; k < kIn; ++k) from[k] = x[k].v[j];
      f(pack * kWidth + j, from, to);
      for (int k = 0; k < kOut; ++k) y[k].v[j] = to[k];
    }
    for (int k = 0; k < kOut; ++k) store<kWidth>(outputs.at[k] + pack * kWidth, y[k]);
  }
  if constexpr (kWidth > 1) {
    const int64_t i = packs * kWidth + thread_in_grid();
    if (i >= size) return;
    float from[kIn > 0 ? kIn : 1], to[kOut];
    for (int k = 0; k < kIn; ++k) from[k] = widened(inputs.at[k][i]);
    f(i, from, to);
    for (int k = 0; k < kOut; ++k) narrow_to(outputs.at[k][i], to[k]);
  }
}

}  // namespace gantry::cuda
