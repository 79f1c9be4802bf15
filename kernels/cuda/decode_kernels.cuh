// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/decode_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/samples_kernels.cuh"

namespace gantry::cuda {

struct DecodeArrays {
  float *y, *label;  // label: or null
  const uint8_t* set;
  const int32_t* class_of;
  const int64_t* first;
};

// Block rows take the samples. A block first finds the sample and the values of all bytes; then a
// thread per four neighbouring elements.
template <bool kAligned>
__global__ void __launch_bounds__(256)
    decode_kernel(DecodeDesc d, Shuffle shuffle, Divisor channels, Divisor width, DecodeArrays a) {
  GANTRY_SHARED_ARRAY(float, value, 256);
  GANTRY_SHARED_ARRAY(SampleView, seen, 1);
  const int64_t i = blockIdx.y, size = d.y.c * d.y.h * d.y.w;
  value[threadIdx.x] = decoded(d, static_cast<int>(threadIdx.x));
  if (threadIdx.x == 0) {
    const SampleView view = sample_view(d, shuffle, static_cast<uint64_t>(*a.first + i));
    seen[0].index = view.index;
    seen[0].top = view.top;
    seen[0].left = view.left;
    seen[0].flip = view.flip;
    seen[0].vertical_flip = view.vertical_flip;
    if (a.label && blockIdx.x == 0) a.label[i] = static_cast<float>(a.class_of[view.index]);
  }
  __syncthreads();
  const SampleView view{seen[0].index, seen[0].top, seen[0].left, seen[0].flip,
                        seen[0].vertical_flip};
  const uint8_t* sample = a.set + view.index * d.y.c * d.h * d.w;
  for (int64_t quad = thread_in_grid(); 4 * quad < size; quad += threads_in_grid()) {
    Pack<float, 4> pack{};
    for (int j = 0; j < 4; ++j) {
      if (4 * quad + j >= size) break;
      int64_t h = 4 * quad + j;
      const int64_t c = channels.split(h), w = width.split(h);
      const int64_t pixel = shown_pixel(d, view, h, w);
      pack.v[j] = value[pixel < 0 ? d.fill : sample[pixel * d.y.c + c]];
    }
    store_quad<kAligned>(a.y + i * size, size, quad, pack);
  }
}

}  // namespace gantry::cuda
