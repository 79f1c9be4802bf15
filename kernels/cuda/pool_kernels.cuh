// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/pack_grid.cuh"
#include "kernels/ops/spatial.h"

namespace gantry::cuda {

// Places [first, last) along one axis.
struct Range {
  int first, last;
};

// Windows along one axis: output o sees inputs o stride - pad .. + kernel.
struct PoolAxis {
  int size, outputs, kernel, stride, pad;

  __device__ Range window(int o) const {
    const int from = o * stride - pad;
    return {from > 0 ? from : 0, from + kernel < size ? from + kernel : size};
  }
  // The outputs whose windows hold input i.
  __device__ Range seen_by(int i) const {
    const int past = i + pad - kernel;  // inputs before the window of i at its far end
    const int last = (i + pad) / stride + 1;
    return {past < 0 ? 0 : past / stride + 1, last < outputs ? last : outputs};
  }
};

struct PoolGeometry {
  Extents x, y;
  PoolAxis rows, columns;
  explicit PoolGeometry(const PoolDesc& d) : x(d.x), y(d.y) {
    const auto n = [](int64_t v) { return static_cast<int>(v); };
    rows = {x.h, y.h, n(d.kernel_h), n(d.stride_h), n(d.pad_top)};
    columns = {x.w, y.w, n(d.kernel_w), n(d.stride_w), n(d.pad_left)};
  }
  __device__ float share(int h, int w) const {
    const Range r = rows.window(h), c = columns.window(w);
    const int pixels = (r.last - r.first) * (c.last - c.first);
    return 1 / static_cast<float>(pixels > 1 ? pixels : 1);
  }
};

// Each kernel: a thread per pack of channels of what it writes, which grid lists.

template <int kWidth, typename T>
__global__ void __launch_bounds__(256)
    max_pool_kernel(PackGrid grid, PoolGeometry d, T* y, int32_t* index, const T* x) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    const Range rows = d.rows.window(at.h), columns = d.columns.window(at.w);
    Pack<float, kWidth> best = load<kWidth>(x + d.x.offset(at.n, rows.first, columns.first, at.c));
    Pack<int32_t, kWidth> place;
    for (int j = 0; j < kWidth; ++j) place.v[j] = rows.first * d.x.w + columns.first;
    for (int row = rows.first; row < rows.last; ++row) {
      for (int column = columns.first; column < columns.last; ++column) {
        const auto value = load<kWidth>(x + d.x.offset(at.n, row, column, at.c));
        for (int j = 0; j < kWidth; ++j) {
          // A NaN stays once met, as every later comparison with it fails.
          const bool better = value.v[j] > best.v[j] || value.v[j] != value.v[j];
          place.v[j] = better ? row * d.x.w + column : place.v[j];
          best.v[j] = better ? value.v[j] : best.v[j];
        }
      }
    }
    store<kWidth>(y + item * kWidth, best);
    store<kWidth>(index + item * kWidth, place);
  }
}

template <int kWidth, typename T>
__global__ void __launch_bounds__(256)
    max_pool_backward_kernel(PackGrid grid, PoolGeometry d, T* dx, const T* dy,
                             const int32_t* index) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    const Range rows = d.rows.seen_by(at.h), columns = d.columns.seen_by(at.w);
    const int here = at.h * d.x.w + at.w;
    Pack<float, kWidth> sum{};
    for (int h = rows.first; h < rows.last; ++h) {
      for (int w = columns.first; w < columns.last; ++w) {
        const int64_t i = d.y.offset(at.n, h, w, at.c);
        const auto place = load<kWidth>(index + i);
        const auto delta = load<kWidth>(dy + i);
        for (int j = 0; j < kWidth; ++j) sum.v[j] += place.v[j] == here ? delta.v[j] : 0.0f;
      }
    }
    store<kWidth>(dx + item * kWidth, sum);
  }
}

template <int kWidth, typename T>
__global__ void __launch_bounds__(256) max_pool_tangent_kernel(PackGrid grid, PoolGeometry d, T* uy,
                                                               const T* ux, const int32_t* index) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    const auto place = load<kWidth>(index + item * kWidth);
    Pack<float, kWidth> taken;
    for (int j = 0; j < kWidth; ++j)
      taken.v[j] = widened(ux[d.x.offset(at.n, 0, 0, at.c + j) + int64_t{place.v[j]} * d.x.c]);
    store<kWidth>(uy + item * kWidth, taken);
  }
}

template <int kWidth, typename T>
__global__ void __launch_bounds__(256)
    average_pool_kernel(PackGrid grid, PoolGeometry d, T* y, const T* x) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    const Range rows = d.rows.window(at.h), columns = d.columns.window(at.w);
    Pack<float, kWidth> sum{};
    for (int row = rows.first; row < rows.last; ++row) {
      for (int column = columns.first; column < columns.last; ++column) {
        const auto value = load<kWidth>(x + d.x.offset(at.n, row, column, at.c));
        for (int j = 0; j < kWidth; ++j) sum.v[j] += value.v[j];
      }
    }
    const float share = d.share(at.h, at.w);
    for (int j = 0; j < kWidth; ++j) sum.v[j] *= share;
    store<kWidth>(y + item * kWidth, sum);
  }
}

template <int kWidth, typename T>
__global__ void __launch_bounds__(256)
    average_pool_backward_kernel(PackGrid grid, PoolGeometry d, T* dx, const T* dy) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    const Range rows = d.rows.seen_by(at.h), columns = d.columns.seen_by(at.w);
    Pack<float, kWidth> sum{};
    for (int h = rows.first; h < rows.last; ++h) {
      for (int w = columns.first; w < columns.last; ++w) {
        const float share = d.share(h, w);
        const auto delta = load<kWidth>(dy + d.y.offset(at.n, h, w, at.c));
        for (int j = 0; j < kWidth; ++j) sum.v[j] += share * delta.v[j];
      }
    }
    store<kWidth>(dx + item * kWidth, sum);
  }
}

}  // namespace gantry::cuda
