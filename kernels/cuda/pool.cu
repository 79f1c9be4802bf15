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

template <typename T>
void max_pool(const PoolDesc& d, PoolPass pass, Stream& stream, const Args& a) {
  T* to = a.as<T>(0);
  if (pass == PoolPass::kForward) {
    launch_pool(stream, cuda::max_pool_kernel<kMapWidth, T>, cuda::max_pool_kernel<1, T>, d, d.y,
                to, a.index(1), static_cast<const T*>(a.as<T>(2)));
    return;
  }
  const T* from = a.as<T>(1);
  const int32_t* index = a.index(2);
  if (pass == PoolPass::kBackward) {
    launch_pool(stream, cuda::max_pool_backward_kernel<kMapWidth, T>,
                cuda::max_pool_backward_kernel<1, T>, d, d.x, to, from, index);
  } else {
    launch_pool(stream, cuda::max_pool_tangent_kernel<kMapWidth, T>,
                cuda::max_pool_tangent_kernel<1, T>, d, d.y, to, from, index);
  }
}

template <typename T>
void average_pool(const PoolDesc& d, PoolPass pass, Stream& stream, const Args& a) {
  T* to = a.as<T>(0);
  const T* from = a.as<T>(1);
  if (pass == PoolPass::kForward) {
    launch_pool(stream, cuda::average_pool_kernel<kMapWidth, T>, cuda::average_pool_kernel<1, T>, d,
                d.y, to, from);
  } else {
    launch_pool(stream, cuda::average_pool_backward_kernel<kMapWidth, T>,
                cuda::average_pool_backward_kernel<1, T>, d, d.x, to, from);
  }
}

}  // namespace

CudaKernels::Made CudaKernels::make_pool(const PoolDesc& d, PoolPass pass) {
  const bool max = d.kind == PoolDesc::Kind::kMax;
  GANTRY_CHECK(max || pass != PoolPass::kTangent,
               "average pooling is linear: its tangent is forward");
  return cuda::launched(max ? 3 : 2, 0, [=](Stream& stream, const Args& a) {
    cuda::with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      max ? max_pool<T>(d, pass, stream, a) : average_pool<T>(d, pass, stream, a);
    });
  });
}

}  // namespace gantry
