// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/spectral_norm_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;

// Where things lie in the scratch memory of a forward pass.
struct Room {
  size_t inverse, partial, bytes;

  explicit Room(const SpectralNormDesc& d) {
    const size_t product = static_cast<size_t>(std::max(d.rows, d.columns)) * sizeof(double);
    inverse = product;  // one float, and what aligns the next
    partial = inverse + sizeof(double);
    bytes = partial + cuda::column_sums_bytes(d.rows, d.columns);
  }
};

void launch_row_products(Stream& stream, const SpectralNormDesc& d, double* product, const float* w,
                         const float* v) {
  const bool packs =
      d.columns % cuda::kMapWidth == 0 && cuda::aligned_to_pack(w) && cuda::aligned_to_pack(v);
  const auto kernel =
      packs ? cuda::row_products_kernel<cuda::kMapWidth> : cuda::row_products_kernel<1>;
  const cuda::LaunchShape shape{dim3(static_cast<unsigned>(d.rows)), cuda::kBlock, 0};
  cuda::launch(kernel, shape, stream, product, w, v, static_cast<int>(d.columns));
}

std::shared_ptr<Kernel> forward(const SpectralNormDesc& d) {
  const Room room(d);
  return cuda::launched(5, room.bytes, [=](Stream& stream, const Args& a) {
    float *v = a.real(1), *u = a.real(3), *inverse = a.scratch<float>(room.inverse);
    const float* w = a.real(4);
    double* product = a.scratch<double>();
    const cuda::LaunchShape one_block{dim3(1), 1024, 0};
    const double eps = static_cast<double>(d.eps);
    const int rows = static_cast<int>(d.rows), columns = static_cast<int>(d.columns);
    for (int i = 0; i < std::max(1, d.iterations); ++i) {
      cuda::launch_column_sums(stream, w, d.rows, d.columns, a.scratch<double>(room.partial),
                               cuda::WeightedByRow{u}, cuda::WriteColumn{product});
      cuda::launch(cuda::normalise_kernel, one_block, stream, v, product, columns, eps);
      launch_row_products(stream, d, product, w, v);
      if (d.iterations > 0)
        cuda::launch(cuda::normalise_kernel, one_block, stream, u, product, rows, eps);
    }
    cuda::launch(cuda::sigma_kernel, one_block, stream, a.real(2), inverse, u, product, rows);
    cuda::launch_map<1, 1>(stream, {{a.real(0)}}, {{w}}, d.rows * d.columns,
                           cuda::TimesScalar{inverse});
  });
}

std::shared_ptr<Kernel> backward(const SpectralNormDesc& d) {
  const int64_t size = d.rows * d.columns;
  const size_t along_bytes = 2 * sizeof(double);
  const size_t bytes = along_bytes + cuda::reduction_bytes(cuda::reduction_blocks(size), 1);
  return cuda::launched(5, bytes, [=](Stream& stream, const Args& a) {
    float* dw = a.real(0);
    double* along = a.scratch<double>();
    cuda::launch_map_reduce<0, 2, cuda::JoinSum, 1>(
        stream, {}, {{dw, a.real(1)}}, size, cuda::ProductTerm{}, a.scratch<double>(along_bytes),
        cuda::WriteAlong{along, a.real(4)});
    cuda::launch_map<1, 1>(
        stream, {{dw}}, {{dw}}, size,
        cuda::SpectralGradient{along, a.real(2), a.real(3), cuda::Divisor(d.columns)});
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_spectral_norm(const SpectralNormDesc& d,
                                                  SpectralNormPass pass) {
  return pass == SpectralNormPass::kForward ? forward(d) : backward(d);
}

}  // namespace gantry
