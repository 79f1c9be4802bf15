// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/norm_layout.h"

namespace gantry::cuda {

inline constexpr int kNormThreads = 256;

// Count, mean and sum of squared distances from it. Merged as Chan, Golub and LeVeque (1983) do.
struct Moments {
  static constexpr int kFloats = 3;  // of one chunk: a shift, sum of x - shift, of (x - shift)^2
  static constexpr int kMeans = 2;   // of x, x^2
  double count, mean, m2;

  __device__ static Moments zero() { return {0, 0, 0}; }
  __device__ static Moments of_chunk(const float (&f)[kFloats], double count) {
    const double shift = static_cast<double>(f[0]), sum = static_cast<double>(f[1]);
    return {count, shift + sum / count, static_cast<double>(f[2]) - sum * sum / count};
  }
  __device__ void to_means(double, double (&means)[kMeans]) const {
    means[0] = mean;
    means[1] = m2 / count + mean * mean;
  }
  // Of `ranks` times as many rows.
  __device__ static Moments of_means(const double (&means)[kMeans], double rows, int ranks) {
    const double count = rows * ranks, spread = means[1] - means[0] * means[0];
    return {count, means[0], spread > 0 ? spread * count : 0};
  }
  __device__ void merge(const Moments& other) {
    if (other.count == 0) return;
    const double all = count + other.count, distance = other.mean - mean;
    mean += distance * (other.count / all);
    m2 += other.m2 + distance * distance * (count * other.count / all);
    count = all;
  }
};

// Plain sums.
template <int kCount>
struct Totals {
  static constexpr int kFloats = kCount, kMeans = kCount;
  double at[kCount];

  __device__ static Totals zero() {
    Totals totals;
    for (int k = 0; k < kCount; ++k) totals.at[k] = 0;
    return totals;
  }
  __device__ static Totals of_chunk(const float (&f)[kFloats], double) {
    Totals totals;
    for (int k = 0; k < kCount; ++k) totals.at[k] = static_cast<double>(f[k]);
    return totals;
  }
  __device__ void to_means(double rows, double (&means)[kMeans]) const {
    for (int k = 0; k < kCount; ++k) means[k] = at[k] / rows;
  }
  // Of as many rows.
  __device__ static Totals of_means(const double (&means)[kMeans], double rows, int) {
    Totals totals;
    for (int k = 0; k < kCount; ++k) totals.at[k] = means[k] * rows;
    return totals;
  }
  __device__ void merge(const Totals& other) {
    for (int k = 0; k < kCount; ++k) at[k] += other.at[k];
  }
};

// Sums over the rows of one chunk, for each column: partial[chunk][k][group][column].
// Terms: kSums, `begin(group, column, first element)` and `add(element, sums)`, which adds kWidth
// columns' terms, and `extra`, a float that is kept beside the sums (kExtra of them, 0 or 1).
// Grid: groups x chunks, tiles of columns. Blocks of kNormThreads.
template <int kWidth, typename Terms>
__global__ void __launch_bounds__(kNormThreads)
    norm_sums_kernel(Terms terms, NormLayout r, NormTile tile, float* partial) {
  constexpr int kSums = Terms::kSums, kExtra = Terms::kExtra;
  GANTRY_SHARED_ARRAY(float, shared, kSums* kWidth* kNormThreads);
  const int across = static_cast<int>(threadIdx.x) % tile.across;
  const int down = static_cast<int>(threadIdx.x) / tile.across;
  const int column = (static_cast<int>(blockIdx.y) * tile.across + across) * kWidth;
  const int64_t group = blockIdx.x / r.chunks;
  const int chunk = static_cast<int>(blockIdx.x % r.chunks);
  const int64_t first = chunk * r.chunk_rows;
  const int64_t end = first + r.chunk_rows < r.rows ? first + r.chunk_rows : r.rows;
  const bool inside = column < r.columns;

  Pack<float, kWidth> sums[kSums] = {};
  if (inside) {
    terms.begin(r, group, column, (group * r.rows + first) * r.columns + column);
#pragma unroll 4
    for (int64_t row = first + down; row < end; row += tile.down)
      terms.add((group * r.rows + row) * r.columns + column, sums);
  }

  // A tree over the rows of threads.
  float* mine = shared + static_cast<int>(threadIdx.x) * kWidth;
  constexpr int kPlane = kWidth * kNormThreads;
  for (int k = 0; k < kSums; ++k) store<kWidth>(mine + k * kPlane, sums[k]);
  for (int half = tile.down / 2; half > 0; half /= 2) {
    __syncthreads();
    if (down >= half) continue;
    for (int k = 0; k < kSums; ++k) {
      const Pack<float, kWidth> other =
          load<kWidth>(mine + k * kPlane + half * tile.across * kWidth);
      for (int j = 0; j < kWidth; ++j) sums[k].v[j] += other.v[j];
      store<kWidth>(mine + k * kPlane, sums[k]);
    }
  }
  if (down != 0 || !inside) return;
  float* out = partial + chunk * (kExtra + kSums) * r.columns_in_all() + group * r.columns + column;
  if constexpr (kExtra > 0) store<kWidth>(out, terms.extra);
  for (int k = 0; k < kSums; ++k) store<kWidth>(out + (kExtra + k) * r.columns_in_all(), sums[k]);
}

inline constexpr int kCombineColumns = 32, kCombineDepth = 8;

// Adds up the chunks of each column: 8 threads per column, then a tree; and hands the result to
// `use(group, column, Value)`, all groups of a column in order, then `finish(column)`.
// kInOrder: one thread sees all groups (blocks: tiles of columns). Else each group has blocks of
// its own (grid: tiles of columns, groups) and finish is not called.
template <typename Value, bool kInOrder, typename Use>
__global__ void __launch_bounds__(kCombineColumns* kCombineDepth)
    norm_combine_kernel(NormLayout r, const float* partial, Use use) {
  GANTRY_SHARED_ARRAY(Value, shared, kCombineColumns * kCombineDepth);
  const int lane = static_cast<int>(threadIdx.x) % kCombineColumns;
  const int depth = static_cast<int>(threadIdx.x) / kCombineColumns;
  const int column = static_cast<int>(blockIdx.x) * kCombineColumns + lane;
  const bool inside = column < r.columns;
  const int first = kInOrder ? 0 : static_cast<int>(blockIdx.y);
  const int end = kInOrder ? r.groups : first + 1;
  for (int group = first; group < end; ++group) {
    Value value = Value::zero();
    for (int chunk = depth; inside && chunk < r.chunks; chunk += kCombineDepth) {
      float floats[Value::kFloats];
      for (int k = 0; k < Value::kFloats; ++k) {
        floats[k] = partial[(int64_t{chunk} * Value::kFloats + k) * r.columns_in_all() +
                            int64_t{group} * r.columns + column];
      }
      const int64_t begin = chunk * r.chunk_rows;
      const int64_t rows = r.rows - begin < r.chunk_rows ? r.rows - begin : r.chunk_rows;
      value.merge(Value::of_chunk(floats, static_cast<double>(rows)));
    }
    for (int half = kCombineDepth / 2; half > 0; half /= 2) {
      // The barrier also keeps this group's values apart from those of the group before.
      __syncthreads();
      shared[threadIdx.x] = value;
      __syncthreads();
      if (depth < half) value.merge(shared[threadIdx.x + half * kCombineColumns]);
    }
    if (depth == 0 && inside) use(group, column, value);
  }
  if (kInOrder && depth == 0 && inside) use.finish(column);
}

// Keeps what was combined, for norm_slices_kernel.
template <typename Value>
struct KeepColumns {
  Value* columns;
  int count;
  __device__ void operator()(int group, int column, const Value& value) const {
    columns[int64_t{group} * count + column] = value;
  }
  __device__ void finish(int) const {}
};

// Of a batch that ranks share (NormStage): means[group][number][column], from what was combined,
// and back, for `use` as norm_combine_kernel in order. A thread for each column.
template <typename Value>
struct WriteMeans {
  double* means;
  NormLayout r;
  __device__ void operator()(int group, int column, const Value& value) const {
    double of[Value::kMeans];
    value.to_means(static_cast<double>(r.rows), of);
    for (int k = 0; k < Value::kMeans; ++k)
      means[(int64_t{group} * Value::kMeans + k) * r.columns + column] = of[k];
  }
  __device__ void finish(int) const {}
};

template <typename Value, typename Use>
__global__ void norm_from_means_kernel(NormLayout r, const double* means, int ranks, Use use) {
  const int64_t thread = thread_in_grid();
  if (thread >= r.columns) return;
  const int column = static_cast<int>(thread);
  for (int group = 0; group < r.groups; ++group) {
    double of[Value::kMeans];
    for (int k = 0; k < Value::kMeans; ++k)
      of[k] = means[(int64_t{group} * Value::kMeans + k) * r.columns + column];
    use(group, column, Value::of_means(of, static_cast<double>(r.rows), ranks));
  }
  use.finish(column);
}

// What the columns of a slice have together: lanes of a warp merge columns, then a tree over lanes.
// use.weigh(column, value) prepares a column's value, use.slice(stat, value) takes the result. One
// warp for each statistic.
template <typename Value, typename Use>
__global__ void __launch_bounds__(kNormThreads)
    norm_slices_kernel(NormLayout r, const Value* columns, Use use) {
  const int64_t stat = thread_in_grid() / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (stat >= int64_t{r.groups} * r.slices) return;  // whole warps
  const int64_t group = stat / r.slices;
  const int first = static_cast<int>(stat % r.slices) * r.slice;
  Value value = Value::zero();
  for (int column = first + lane; column < first + r.slice; column += kWarp) {
    Value one = columns[group * r.columns + column];
    use.weigh(column, one);
    value.merge(one);
  }
  for (int step = kWarp / 2; step > 0; step /= 2) {
    Value other;
    const double* mine = reinterpret_cast<const double*>(&value);
    double* theirs = reinterpret_cast<double*>(&other);
    for (unsigned k = 0; k < sizeof(Value) / sizeof(double); ++k)
      theirs[k] = __shfl_down_sync(kAllLanes, mine[k], static_cast<unsigned>(step));
    value.merge(other);
  }
  if (lane == 0) use.slice(stat, value);
}

// Sums over groups for each column, of what use.add(group, column, value, sums) adds; the result
// goes to use.write(column, sums). 8 threads per column, then a tree.
template <typename Value, typename Use>
__global__ void __launch_bounds__(kCombineColumns* kCombineDepth)
    norm_grads_kernel(NormLayout r, const Value* columns, Use use) {
  GANTRY_SHARED_ARRAY(Totals<2>, shared, kCombineColumns * kCombineDepth);
  const int lane = static_cast<int>(threadIdx.x) % kCombineColumns;
  const int depth = static_cast<int>(threadIdx.x) / kCombineColumns;
  const int column = static_cast<int>(blockIdx.x) * kCombineColumns + lane;
  const bool inside = column < r.columns;
  Totals<2> sums = Totals<2>::zero();
  for (int group = depth; inside && group < r.groups; group += kCombineDepth)
    use.add(group, column, columns[int64_t{group} * r.columns + column], sums);
  for (int half = kCombineDepth / 2; half > 0; half /= 2) {
    __syncthreads();
    shared[threadIdx.x] = sums;
    __syncthreads();
    if (depth < half) sums.merge(shared[threadIdx.x + half * kCombineColumns]);
  }
  if (depth == 0 && inside) use.write(column, sums);
}

}  // namespace gantry::cuda
