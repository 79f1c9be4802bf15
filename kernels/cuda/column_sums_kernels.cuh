// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"

namespace gantry::cuda {

inline constexpr int kSumThreads = 256;

// x: rows x columns. A block sums `lanes` packs of columns over one of gridDim.y ranges of rows;
// its threads stand lanes x (kSumThreads / lanes), and lanes is a power of two.
template <typename T>
struct ColumnSums {
  const T* x;
  int64_t rows, in_range;
  int columns, lanes;
  double* partial;  // gridDim.y x columns, where there is more than one range
};

struct Unweighted {
  __device__ double operator()(int64_t, double x) const { return x; }
};
struct WeightedByRow {
  const float* u;
  __device__ double operator()(int64_t row, double x) const {
    return static_cast<double>(u[row]) * x;
  }
};

// finish(c, sum over rows of weight(row, x[row][c])), or that of a range to its place in `partial`.
// Sums are formed in f64, along a fixed tree.
template <int kWidth, typename T, typename Weight, typename Finish>
__global__ void __launch_bounds__(kSumThreads, 4)
    column_sums_kernel(ColumnSums<T> d, Weight weight, Finish finish) {
  GANTRY_SHARED_ARRAY(double, of_thread, kSumThreads* kWidth);
  const int thread = static_cast<int>(threadIdx.x), across = kSumThreads / d.lanes;
  const int line = thread / d.lanes;
  const int c = (static_cast<int>(blockIdx.x) * d.lanes + thread % d.lanes) * kWidth;
  const int64_t first = blockIdx.y * d.in_range, past = first + d.in_range;
  const int64_t last = past < d.rows ? past : d.rows;
  double sum[kWidth] = {};
  if (c < d.columns) {
    for (int64_t row = first + line; row < last; row += across) {
      const auto x = load<kWidth>(d.x + row * d.columns + c);
      for (int j = 0; j < kWidth; ++j) sum[j] += weight(row, static_cast<double>(x.v[j]));
    }
  }
  for (int j = 0; j < kWidth; ++j) of_thread[j * kSumThreads + thread] = sum[j];
  for (int step = across / 2; step > 0; step /= 2) {
    __syncthreads();
    if (line >= step) continue;
    for (int j = 0; j < kWidth; ++j) {
      const int at = j * kSumThreads + thread;
      of_thread[at] += of_thread[at + step * d.lanes];
    }
  }
  if (line > 0 || c >= d.columns) return;
  for (int j = 0; j < kWidth; ++j) {
    const double total = of_thread[j * kSumThreads + thread];
    if (gridDim.y == 1) finish(c + j, total);
    if (gridDim.y > 1) d.partial[int64_t{blockIdx.y} * d.columns + c + j] = total;
  }
}

struct WriteBiasGrad {
  float* db;
  bool accumulate;
  __device__ void operator()(int c, double sum) const {
    db[c] = (accumulate ? db[c] : 0.0f) + static_cast<float>(sum);
  }
};
struct WriteColumn {
  double* out;
  __device__ void operator()(int c, double sum) const { out[c] = sum; }
};

}  // namespace gantry::cuda
