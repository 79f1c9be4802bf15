// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/map_kernels.cuh"

namespace gantry::cuda {

inline constexpr int kMapWidth = 4;  // floats in 16 bytes

inline bool aligned_to_pack(const void* p) {
  return reinterpret_cast<uintptr_t>(p) % (kMapWidth * sizeof(float)) == 0;
}

template <typename T, int kCount>
bool aligned(const Arrays<T, kCount>& arrays) {
  for (int k = 0; k < kCount; ++k)
    if (!aligned_to_pack(arrays.at[k])) return false;
  return true;
}

// y_i = f(x_i) over arrays of `size` numbers; see map_kernel. Arrays that do not all begin at a
// multiple of 16 bytes are read one element at a time.
template <int kOut, int kIn, typename To = float, typename From = To, typename F>
void launch_map(Stream& stream, const Arrays<To, kOut>& outputs,
                const Arrays<const From, kIn>& inputs, int64_t size, const F& f) {
  if (aligned(outputs) && aligned(inputs)) {
    launch(map_kernel<kMapWidth, kOut, kIn, To, From, F>,
           one_thread_each((size + kMapWidth - 1) / kMapWidth), stream, outputs, inputs, size, f);
  } else {
    launch(map_kernel<1, kOut, kIn, To, From, F>, one_thread_each(size), stream, outputs, inputs,
           size, f);
  }
}

}  // namespace gantry::cuda
