// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/variational_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;

std::shared_ptr<Kernel> forward(const VariationalDesc& d, const cuda::Latents& latents) {
  const unsigned blocks = cuda::reduction_blocks(latents.items, 1);
  const double each = 1 / static_cast<double>(d.n);
  return cuda::launched(4, cuda::reduction_bytes(blocks, 1), [=](Stream& stream, const Args& a) {
    const cuda::WriteScaled finish{a.real(1), each};
    cuda::launch(cuda::variational_kernel<cuda::WriteScaled>, {dim3(blocks), cuda::kBlock, 0},
                 stream, latents, a.real(0), a.real(2), a.counter(3), a.scratch<double>(), finish);
    cuda::launch_join<cuda::JoinSum, 1>(stream, a.scratch<double>(), blocks, finish);
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_variational(const VariationalDesc& d, VariationalPass pass) {
  const int64_t quads = (d.size + 3) / 4;
  const cuda::Latents latents{d, cuda::Divisor(quads), d.n * quads};
  if (pass == VariationalPass::kForward) return forward(d, latents);
  const float weight = static_cast<float>(static_cast<double>(d.scale) / static_cast<double>(d.n));
  return cuda::launched(4, 0, [=](Stream& stream, const Args& a) {
    cuda::launch(cuda::variational_backward_kernel, cuda::one_thread_each(latents.items), stream,
                 latents, weight, a.real(0), a.real(1), a.real(2), a.counter(3));
  });
}

}  // namespace gantry
