// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/map_kernels.cuh"

namespace gantry::cuda {

// How two partial results become one. 0 is what nothing gives.
struct JoinSum {
  __device__ static double join(double a, double b) { return a + b; }
};
// Of values >= 0; a NaN anywhere is the result.
struct JoinMax {
  __device__ static double join(double a, double b) { return a >= b || a != a ? a : b; }
};

// Joins `total` over the threads of the block along a fixed tree; thread 0 gets the result. Once
// per kernel, by all threads.
template <typename Join, int kTotals>
__device__ void join_block(double (&total)[kTotals]) {
  GANTRY_SHARED_ARRAY(double, of_warp, kTotals* kWarp);
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const unsigned warps = blockDim.x / kWarp;
  for (int k = 0; k < kTotals; ++k) {
    for (int step = kWarp / 2; step > 0; step /= 2)
      total[k] = Join::join(total[k], __shfl_xor_sync(kAllLanes, total[k], step));
    if (lane == 0) of_warp[k * kWarp + warp] = total[k];
  }
  __syncthreads();
  if (warp > 0) return;
  for (int k = 0; k < kTotals; ++k) {
    total[k] = lane < warps ? of_warp[k * kWarp + lane] : 0;
    for (int step = kWarp / 2; step > 0; step /= 2)
      total[k] = Join::join(total[k], __shfl_xor_sync(kAllLanes, total[k], step));
  }
}

// The end of a kernel that reduces: the block's totals to its place in `partial`, or, from the only
// block, what finish(total) makes of them.
template <typename Join, int kTotals, typename Finish>
__device__ void end_reduction(double (&total)[kTotals], double* partial, const Finish& finish) {
  join_block<Join>(total);
  if (threadIdx.x > 0) return;
  if (gridDim.x == 1) {
    finish(total);
    return;
  }
  for (int k = 0; k < kTotals; ++k) partial[k * gridDim.x + blockIdx.x] = total[k];
}

// Joins what `blocks` blocks have left in `partial`. One block.
template <typename Join, int kTotals, typename Finish>
__global__ void __launch_bounds__(256)
    join_partial_kernel(const double* partial, int blocks, Finish finish) {
  double total[kTotals] = {};
  for (int i = static_cast<int>(threadIdx.x); i < blocks; i += static_cast<int>(blockDim.x)) {
    for (int k = 0; k < kTotals; ++k) total[k] = Join::join(total[k], partial[k * blocks + i]);
  }
  join_block<Join>(total);
  if (threadIdx.x == 0) finish(total);
}

// A map (map_kernels.cuh) whose f(i, x_i, y_i, total) also joins to the totals of its thread.
template <int kWidth, int kOut, int kIn, typename Join, int kTotals, typename F, typename Finish>
__global__ void __launch_bounds__(256, 4)
    map_reduce_kernel(Arrays<float, kOut> outputs, Arrays<const float, kIn> inputs, int64_t size,
                      F f, double* partial, Finish finish) {
  double total[kTotals] = {};
  const int64_t packs = size / kWidth;
  for (int64_t pack = thread_in_grid(); pack < packs; pack += threads_in_grid()) {
    Pack<float, kWidth> x[kIn], y[kOut > 0 ? kOut : 1];
    for (int k = 0; k < kIn; ++k) x[k] = load<kWidth>(inputs.at[k] + pack * kWidth);
    for (int j = 0; j < kWidth; ++j) {
      float from[kIn], to[kOut > 0 ? kOut : 1];
      for (int k = 0; k < kIn; ++k) from[k] = x[k].v[j];
      f(pack * kWidth + j, from, to, total);
      for (int k = 0; k < kOut; ++k) y[k].v[j] = to[k];
    }
    for (int k = 0; k < kOut; ++k) store<kWidth>(outputs.at[k] + pack * kWidth, y[k]);
  }
  const int64_t i = packs * kWidth + thread_in_grid();
  if (i < size) {
    float from[kIn], to[kOut > 0 ? kOut : 1];
    for (int k = 0; k < kIn; ++k) from[k] = inputs.at[k][i];
    f(i, from, to, total);
    for (int k = 0; k < kOut; ++k) outputs.at[k][i] = to[k];
  }
  end_reduction<Join>(total, partial, finish);
}

struct SumTerm {
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[1]) const {
    total[0] += x[0];
  }
};
// f64, as squares of large finite values leave the range of f32.
struct SquareTerm {
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[1]) const {
    total[0] += static_cast<double>(x[0]) * static_cast<double>(x[0]);
  }
};
struct MaxAbsTerm {
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[1]) const {
    total[0] = JoinMax::join(total[0], static_cast<double>(std::fabs(x[0])));
  }
};
struct ProductTerm {
  __device__ void operator()(int64_t, const float (&x)[2], float (&)[1], double (&total)[1]) const {
    total[0] += static_cast<double>(x[0]) * static_cast<double>(x[1]);
  }
};

struct WriteScaled {
  float* out;
  double scale;
  __device__ void operator()(const double (&total)[1]) const {
    *out = static_cast<float>(scale * total[0]);
  }
};
struct WriteTotal {
  double* out;
  __device__ void operator()(const double (&total)[1]) const { *out = total[0]; }
};

// Squares and the number of values that are not finite.
struct GradNormTerm {
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[2]) const {
    total[0] += static_cast<double>(x[0]) * static_cast<double>(x[0]);
    total[1] += std::fabs(x[0]) <= 3.4028234663852886e38f ? 0 : 1;
  }
};
struct WriteGradNorm {
  float *norm, *grad_scale, *found;
  const float* loss_scale;  // or null
  double max_norm;
  __device__ void operator()(const double (&total)[2]) const {
    const double unscale = loss_scale ? 1 / static_cast<double>(*loss_scale) : 1;
    const double length = unscale * sqrt(total[0]);
    double scale = unscale;
    if (max_norm > 0) {
      const double share = max_norm / (length + 1e-6);
      scale *= share < 1 ? share : 1;
    }
    *norm = static_cast<float>(length);
    *grad_scale = static_cast<float>(scale);
    *found = static_cast<float>(total[1]);
  }
};

}  // namespace gantry::cuda
