// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cast.h"
#include "kernels/cuda/cast_kernels.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"

namespace gantry {
namespace cuda {
namespace {

template <CastDesc::Scale kScale>
void launch_scaled(Stream& stream, const TensorView& y, const TensorView& x, const float* scale,
                   int64_t size) {
  with_real(y.dtype, [&](auto to) {
    using To = decltype(to);
    with_real(x.dtype, [&](auto from) {
      using From = decltype(from);
      launch_map<1, 1, To, From>(stream, {{y.as<To>()}}, {{x.as<From>()}}, size,
                                 Cast<kScale>{scale});
    });
  });
}

}  // namespace

void launch_cast(Stream& stream, const CastDesc& d, const TensorView& y, const TensorView& x,
                 const float* scale) {
  using Scale = CastDesc::Scale;
  if (d.scale == Scale::kTimes) return launch_scaled<Scale::kTimes>(stream, y, x, scale, d.size);
  if (d.scale == Scale::kOver) return launch_scaled<Scale::kOver>(stream, y, x, scale, d.size);
  launch_scaled<Scale::kNone>(stream, y, x, scale, d.size);
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_cast(const CastDesc& d) {
  const bool scaled = d.scale != CastDesc::Scale::kNone;
  return cuda::launched(scaled ? 3 : 2, 0, [=](Stream& stream, const cuda::Args& a) {
    cuda::launch_cast(stream, d, a.view(0), a.view(1), scaled ? a.real(2) : nullptr);
  });
}

}  // namespace gantry
