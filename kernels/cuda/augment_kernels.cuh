// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/augment_math.h"
#include "kernels/cuda/reduce_kernels.cuh"
#include "kernels/cuda/samples_kernels.cuh"

namespace gantry::cuda {

static __global__ void __launch_bounds__(256)
    augment_draw_kernel(AugmentDrawDesc d, int cut_h, int cut_w, float* rows, const int64_t* step,
                        const float* p) {
  for (int64_t n = thread_in_grid(); n < d.n; n += threads_in_grid()) {
    draw_augmentation(d, cut_h, cut_w, *step, d.first_sample + static_cast<uint32_t>(n), p ? *p : 1,
                      rows + n * kAugmentNumbers);
  }
}

// Sizes that all samples share.
struct AugmentSizes {
  int h, w, c, cut_h, cut_w;
};

__device__ inline float mean_of_pixel(const float* x, int c) {
  float sum = 0;
  for (int i = 0; i < c; ++i) sum += x[i];
  return sum / static_cast<float>(c);
}

// A block per sample, a thread per pixel. Forward, `from` is x; backward, dy. The sample is read
// twice, the second time from a cache: its mean goes into every pixel.
template <bool kForward>
__global__ void __launch_bounds__(1024)
    augment_kernel(AugmentSizes d, float* to, const float* from, const float* rows) {
  GANTRY_SHARED_ARRAY(float, of_sample, 1);
  const int64_t n = blockIdx.x, size = static_cast<int64_t>(d.h) * d.w * d.c;
  const Augmentation by(rows + n * kAugmentNumbers, d.h, d.w, d.cut_h, d.cut_w);
  const float* const in = from + n * size;
  double total[1] = {};
  for (int pixel = static_cast<int>(threadIdx.x); pixel < d.h * d.w;
       pixel += static_cast<int>(blockDim.x)) {
    const int at = kForward ? pixel : by.target(pixel / d.w, pixel % d.w);
    for (int i = 0; at >= 0 && i < d.c; ++i) total[0] += static_cast<double>(in[at * d.c + i]);
  }
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) of_sample[0] = static_cast<float>(total[0] / static_cast<double>(size));
  __syncthreads();
  const float mean = of_sample[0];
  for (int pixel = static_cast<int>(threadIdx.x); pixel < d.h * d.w;
       pixel += static_cast<int>(blockDim.x)) {
    const int row = pixel / d.w, column = pixel % d.w;
    const int at = kForward ? by.source(row, column) : by.target(row, column);
    const float of_pixel = at < 0 ? 0 : mean_of_pixel(in + at * d.c, d.c);
    for (int i = 0; i < d.c; ++i) {
      float value = by.colour(at < 0 ? 0 : in[at * d.c + i], of_pixel, mean);
      if (kForward) value = at < 0 ? 0 : value + by.brightness;
      to[n * size + static_cast<int64_t>(pixel) * d.c + i] = value;
    }
  }
}

}  // namespace gantry::cuda
