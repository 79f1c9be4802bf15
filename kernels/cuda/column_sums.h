// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "kernels/cuda/column_sums_kernels.cuh"
#include "kernels/cuda/map.h"

namespace gantry::cuda {

// How the sums of the columns of a rows x columns matrix are split: a function of its shape alone.
struct ColumnSplit {
  int width, lanes;
  unsigned tiles, ranges;
  int64_t in_range;  // rows

  ColumnSplit(int64_t rows, int64_t columns, int pack_width) : width(pack_width), lanes(1) {
    constexpr int64_t kBlocks = 512;  // all resident at once
    constexpr int64_t kLines = 4;     // rows that are worth a thread
    const int64_t packs = columns / width;
    while (lanes < kWarp && lanes < packs) lanes *= 2;
    tiles = static_cast<unsigned>((packs + lanes - 1) / lanes);
    const int64_t most = rows * lanes / (kSumThreads * kLines);
    const int64_t wanted = std::clamp<int64_t>(kBlocks / tiles, 1, most > 1 ? most : 1);
    in_range = (rows + wanted - 1) / wanted;
    ranges = static_cast<unsigned>((rows + in_range - 1) / in_range);
  }
};

// Scratch memory of launch_column_sums, however the matrix is aligned.
inline size_t column_sums_bytes(int64_t rows, int64_t columns) {
  const int64_t wide = columns % kMapWidth == 0 ? kMapWidth : 1;
  const ColumnSplit packs(rows, columns, static_cast<int>(wide)), single(rows, columns, 1);
  return std::max(packs.ranges, single.ranges) * static_cast<size_t>(columns) * sizeof(double);
}

template <typename T, typename Weight, typename Finish>
void launch_column_sums(Stream& stream, const ColumnSplit& split, const ColumnSums<T>& sums,
                        const Weight& weight, const Finish& finish) {
  const auto kernel = split.width > 1 ? column_sums_kernel<kMapWidth, T, Weight, Finish>
                                      : column_sums_kernel<1, T, Weight, Finish>;
  launch(kernel, {dim3(split.tiles, split.ranges), kSumThreads, 0}, stream, sums, weight, finish);
}

// finish(c, sum over rows of weight(row, x[row][c])) for every column. partial:
// column_sums_bytes(rows, columns).
template <typename T, typename Weight, typename Finish>
void launch_column_sums(Stream& stream, const T* x, int64_t rows, int64_t columns, double* partial,
                        const Weight& weight, const Finish& finish) {
  const bool packs = columns % kMapWidth == 0 && aligned_to_pack(x);
  const ColumnSplit split(rows, columns, packs ? kMapWidth : 1);
  const int c = static_cast<int>(columns);
  launch_column_sums(stream, split, ColumnSums<T>{x, rows, split.in_range, c, split.lanes, partial},
                     weight, finish);
  if (split.ranges == 1) return;
  ColumnSplit whole(split.ranges, columns, 1);
  whole.ranges = 1;
  whole.in_range = split.ranges;
  launch_column_sums(
      stream, whole,
      ColumnSums<double>{partial, split.ranges, whole.in_range, c, whole.lanes, nullptr},
      Unweighted{}, finish);
}

}  // namespace gantry::cuda
