// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/activation_math.h"
#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// y = f(x + b) over rows of `channels`; y may be x. Each thread keeps to one pack of channels,
// whose bias it reads once; `lanes` threads, a multiple of the packs in a row, take part.
template <int kWidth, ActivationKind kKind, typename T>
__global__ void __launch_bounds__(256)
    bias_act_kernel(T* y, const T* x, const float* b, int64_t size, int channels, int64_t lanes,
                    ActivationMath<kKind, LibraryMath, float> math) {
  const int64_t lane = thread_in_grid();
  if (lane >= lanes) return;
  Pack<float, kWidth> bias{};
  if (b) bias = load<kWidth>(b + lane % (channels / kWidth) * kWidth);
  for (int64_t i = lane * kWidth; i < size; i += lanes * kWidth) {
    Pack<float, kWidth> pack = load<kWidth>(x + i);
    for (int j = 0; j < kWidth; ++j) pack.v[j] = math.value(pack.v[j] + bias.v[j]);
    store<kWidth>(y + i, pack);
  }
}

}  // namespace gantry::cuda
