// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

// Samples of `size` elements each.
struct Samples {
  int64_t count, size;
};

// Elements 4 quad .. of a sample, by one access or one by one.
template <bool kAligned>
__device__ Pack<float, 4> load_quad(const float* x, int64_t size, int64_t quad) {
  Pack<float, 4> pack{};
  if constexpr (kAligned) {
    pack = load<4>(x + 4 * quad);
  } else {
    for (int j = 0; j < 4; ++j)
      if (4 * quad + j < size) pack.v[j] = x[4 * quad + j];
  }
  return pack;
}
template <bool kAligned>
__device__ void store_quad(float* y, int64_t size, int64_t quad, const Pack<float, 4>& pack) {
  if constexpr (kAligned) {
    store<4>(y + 4 * quad, pack);
  } else {
    for (int j = 0; j < 4; ++j)
      if (4 * quad + j < size) y[4 * quad + j] = pack.v[j];
  }
}

}  // namespace gantry::cuda
