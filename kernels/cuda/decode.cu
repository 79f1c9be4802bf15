// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/decode_kernels.cuh"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/samples.h"

namespace gantry {

CudaKernels::Made CudaKernels::make_decode(const DecodeDesc& d) {
  const cuda::Samples samples = cuda::samples_of(d.y);
  const Shuffle shuffle(d.seed, d.count);
  const cuda::Divisor channels(d.y.c), width(d.y.w);
  return cuda::launched(d.labels ? 5 : 3, 0, [=](Stream& stream, const cuda::Args& a) {
    cuda::DecodeArrays arrays{};
    arrays.y = a.real(0);
    arrays.set = a.bytes(d.labels ? 2 : 1);
    arrays.first = a.counter(d.labels ? 4 : 2);
    if (d.labels) {
      arrays.label = a.real(1);
      arrays.class_of = a.index(3);
    }
    const auto kernel =
        cuda::in_quads(samples, arrays.y) ? cuda::decode_kernel<true> : cuda::decode_kernel<false>;
    cuda::launch(kernel, cuda::rows_of_blocks(samples), stream, d, shuffle, channels, width,
                 arrays);
  });
}

}  // namespace gantry
