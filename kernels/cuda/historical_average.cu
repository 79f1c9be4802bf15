// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/historical_average_kernels.cuh"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"

namespace gantry {
namespace {

using cuda::Args;
using cuda::kMapWidth;

template <typename... Pointers>
int64_t width_of(int64_t size, Pointers... pointers) {
  return size % kMapWidth == 0 && (cuda::aligned_to_pack(pointers) && ...) ? kMapWidth : 1;
}

}  // namespace

CudaKernels::Made CudaKernels::make_historical_average(const HistoricalAverageDesc& d) {
  const float pull = static_cast<float>(2 * d.weight);
  return cuda::launched(4, 0, [=, size = d.size](Stream& stream, const Args& a) {
    const int64_t width = width_of(size, a.real(0), a.real(1), a.real(2));
    const auto kernel =
        width > 1 ? cuda::historical_average_kernel<kMapWidth> : cuda::historical_average_kernel<1>;
    cuda::launch(kernel, cuda::one_thread_each(size / width), stream, a.real(0), a.real(1),
                 a.real(2), a.counter(3), pull, size);
  });
}

}  // namespace gantry
