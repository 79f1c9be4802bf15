// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"

namespace gantry {

CudaKernels::Made CudaKernels::make_bias_grad(const BiasGradDesc& d) {
  const int64_t rows = d.dy.n * d.dy.pixels(), channels = d.dy.c;
  const size_t bytes = cuda::column_sums_bytes(rows, channels);
  return cuda::launched(2, bytes, [=, add = d.accumulate](Stream& stream, const cuda::Args& a) {
    cuda::with_real(a.dtype(1), [&](auto real) {
      const auto* dy = a.as<decltype(real)>(1);
      cuda::launch_column_sums(stream, dy, rows, channels, a.scratch<double>(), cuda::Unweighted{},
                               cuda::WriteBiasGrad{a.real(0), add});
    });
  });
}

}  // namespace gantry
