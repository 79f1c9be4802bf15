// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/pool_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;
using cuda::kMapWidth;

template <typename... Pointers>
bool packs(int64_t channels, Pointers... pointers) {
  return channels % kMapWidth == 0 && (cuda::aligned_to_pack(pointers) && ...);
}

// `wide` and `narrow` are one kernel for packs and for single channels; pointers: its arguments.
template <typename Kernel, typename... Pointers>
void launch_pool(Stream& stream, Kernel wide, Kernel narrow, const PoolDesc& d, const Shape& to,
                 Pointers... pointers) {
  const bool in_packs = packs(to.c, pointers...);
  const cuda::PackGrid grid(to, in_packs ? kMapWidth : 1);
  cuda::launch(in_packs ? wide : narrow, cuda::one_thread_each(grid.items()), stream, grid,
               cuda::PoolGeometry(d), pointers...);
}

std::shared_ptr<Kernel> max_pool(const PoolDesc& d, PoolPass pass) {
  if (pass == PoolPass::kForward) {
    return cuda::launched(3, 0, [d](Stream& stream, const Args& a) {
      launch_pool(stream, cuda::max_pool_kernel<kMapWidth>, cuda::max_pool_kernel<1>, d, d.y,
                  a.real(0), a.index(1), static_cast<const float*>(a.real(2)));
    });
  }
  return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
    const float* from = a.real(1);
    const int32_t* index = a.index(2);
    if (pass == PoolPass::kBackward) {
      launch_pool(stream, cuda::max_pool_backward_kernel<kMapWidth>,
                  cuda::max_pool_backward_kernel<1>, d, d.x, a.real(0), from, index);
    } else {
      launch_pool(stream, cuda::max_pool_tangent_kernel<kMapWidth>,
                  cuda::max_pool_tangent_kernel<1>, d, d.y, a.real(0), from, index);
    }
  });
}

std::shared_ptr<Kernel> average_pool(const PoolDesc& d, PoolPass pass) {
  GANTRY_CHECK(pass != PoolPass::kTangent, "average pooling is linear: its tangent is forward");
  return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
    const float* from = a.real(1);
    if (pass == PoolPass::kForward) {
      launch_pool(stream, cuda::average_pool_kernel<kMapWidth>, cuda::average_pool_kernel<1>, d,
                  d.y, a.real(0), from);
    } else {
      launch_pool(stream, cuda::average_pool_backward_kernel<kMapWidth>,
                  cuda::average_pool_backward_kernel<1>, d, d.x, a.real(0), from);
    }
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_pool(const PoolDesc& d, PoolPass pass) {
  return d.kind == PoolDesc::Kind::kMax ? max_pool(d, pass) : average_pool(d, pass);
}

}  // namespace gantry
