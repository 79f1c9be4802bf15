// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/score_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;

size_t scratch_of(int64_t size) { return cuda::reduction_bytes(cuda::reduction_blocks(size), 1); }

}  // namespace

CudaKernels::Made CudaKernels::make_lecam(const LecamDesc& d) {
  const int64_t size = d.y.elements();
  const double weight = static_cast<double>(d.scale) / static_cast<double>(size);
  return cuda::launched(5, scratch_of(size), [=](Stream& stream, const Args& a) {
    const cuda::LecamElement element{d, d.below ? -2 * weight : 2 * weight, a.real(3),
                                     a.counter(4)};
    cuda::launch_map_reduce<1, 1, cuda::JoinSum, 1>(stream, {{a.real(1)}}, {{a.real(2)}}, size,
                                                    element, a.scratch<double>(),
                                                    cuda::WriteScaled{a.real(0), weight});
  });
}

CudaKernels::Made CudaKernels::make_moving_average(const MovingAverageDesc& d) {
  return cuda::launched(4, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::moving_average_kernel, {dim3(1), cuda::kWarp, 0}, stream, d, a.real(0),
                 a.real(1), a.real(2), a.counter(3));
  });
}

CudaKernels::Made CudaKernels::make_top_k(const TopKDesc& d) {
  const size_t bytes = static_cast<size_t>(d.y.n) * sizeof(double);
  const int64_t patches = d.y.per_sample();
  return cuda::launched(4, bytes, [=](Stream& stream, const Args& a) {
    cuda::launch(cuda::top_k_kernel, {dim3(1), cuda::kBlock, 0}, stream, d, patches, a.real(0),
                 a.real(1), a.real(2), a.counter(3), a.scratch<double>());
  });
}

CudaKernels::Made CudaKernels::make_adaptive_probability(const AdaptiveProbabilityDesc& d) {
  const int64_t size = d.y.elements();
  const double patches = static_cast<double>(d.y.per_sample());
  return cuda::launched(5, scratch_of(size), [=](Stream& stream, const Args& a) {
    const cuda::Adapt finish{d, patches, a.real(0), a.real(1), a.real(2), a.real(3)};
    cuda::launch_map_reduce<0, 1, cuda::JoinSum, 1>(stream, {}, {{a.real(4)}}, size,
                                                    cuda::SignTerm{}, a.scratch<double>(), finish);
  });
}

}  // namespace gantry
