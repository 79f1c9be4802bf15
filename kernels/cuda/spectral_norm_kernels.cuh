// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/column_sums_kernels.cuh"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/reduce_kernels.cuh"

namespace gantry::cuda {

// product[r] = sum_c w[r][c] v[c]; a block per row.
template <int kWidth>
__global__ void __launch_bounds__(256)
    row_products_kernel(double* product, const float* w, const float* v, int columns) {
  const float* row = w + int64_t{blockIdx.x} * columns;
  double total[1] = {};
  for (int c = static_cast<int>(threadIdx.x) * kWidth; c < columns;
       c += static_cast<int>(blockDim.x) * kWidth) {
    const auto a = load<kWidth>(row + c), b = load<kWidth>(v + c);
    for (int j = 0; j < kWidth; ++j)
      total[0] += static_cast<double>(a.v[j]) * static_cast<double>(b.v[j]);
  }
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) product[blockIdx.x] = total[0];
}

// y = product / max(|product|, eps). One block.
static __global__ void __launch_bounds__(1024)
    normalise_kernel(float* y, const double* product, int count, double eps) {
  GANTRY_SHARED_ARRAY(double, scale, 1);
  double total[1] = {};
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
    total[0] += product[i] * product[i];
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) {
    const double norm = sqrt(total[0]);
    scale[0] = 1 / (norm > eps ? norm : eps);
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
    y[i] = static_cast<float>(product[i] * scale[0]);
}

// sigma = <u, product>, inverse = 1 / sigma. One block.
static __global__ void __launch_bounds__(1024)
    sigma_kernel(float* sigma, float* inverse, const float* u, const double* product, int count) {
  double total[1] = {};
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x))
    total[0] += static_cast<double>(u[i]) * product[i];
  join_block<JoinSum>(total);
  if (threadIdx.x > 0) return;
  *sigma = static_cast<float>(total[0]);
  *inverse = static_cast<float>(1 / total[0]);
}

// For map_kernel.
struct TimesScalar {
  const float* scalar;
  __device__ void operator()(int64_t, const float (&x)[1], float (&y)[1]) const {
    y[0] = x[0] * __ldg(scalar);
  }
};

// What the gradient has along w_hat, and 1 / sigma.
struct WriteAlong {
  double* out;  // 2
  const float* sigma;
  __device__ void operator()(const double (&total)[1]) const {
    out[0] = total[0];
    out[1] = 1 / static_cast<double>(*sigma);
  }
};
// dw = (dw_hat - along u v^T) / sigma. f64: of a matrix of rank 1 the difference is nothing but
// what rounding leaves.
struct SpectralGradient {
  const double* along;
  const float *u, *v;
  Divisor columns;
  __device__ void operator()(int64_t i, const float (&x)[1], float (&y)[1]) const {
    int64_t row = i;
    const int64_t column = columns.split(row);
    const double drop = __ldg(along) * static_cast<double>(u[row]);
    y[0] = static_cast<float>(__ldg(along + 1) *
                              (static_cast<double>(x[0]) - drop * static_cast<double>(v[column])));
  }
};

}  // namespace gantry::cuda
