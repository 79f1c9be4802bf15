// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/critic_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/map_kernels.cuh"

namespace gantry::cuda {

// Rows of the op, n x (dimensions x features); see kernels/ops/critic.h. `made`: those whose
// results are asked for, `made_of_group` of each group, from row `first_made` of it on.
struct MinibatchRows {
  const float* m;
  int64_t made, in_group, made_of_group, first_made;
  int features, dimensions;
  Divisor by_features, by_width, by_group;

  __device__ int64_t width() const { return int64_t{features} * dimensions; }
  __device__ const float* at(const float* rows, int64_t i, int b) const {
    return rows + i * width() + b;
  }
  // d_ij[b]
  __device__ float distance(int64_t i, int64_t j, int b) const {
    const float *own = at(m, i, b), *other = at(m, j, b);
    float sum = 0;
    for (int c = 0; c < dimensions; ++c)
      sum += std::fabs(own[int64_t{c} * features] - other[int64_t{c} * features]);
    return sum;
  }
  // Slope of d_ij[b] along the tangent um.
  __device__ float tangent(const float* um, int64_t i, int64_t j, int b) const {
    const float *own = at(m, i, b), *other = at(m, j, b), *uo = at(um, i, b), *up = at(um, j, b);
    float sum = 0;
    for (int c = 0; c < dimensions; ++c) {
      const int64_t k = int64_t{c} * features;
      sum += sign_of(own[k] - other[k]) * (uo[k] - up[k]);
    }
    return sum;
  }
};

// The k-th row that is made: which of all it is, and where its group begins.
struct MinibatchRow {
  int64_t i, first;
  __device__ MinibatchRow(const MinibatchRows& rows, int64_t k) {
    const int64_t group = rows.by_group.divide(k);
    first = group * rows.in_group;
    i = first + rows.first_made + (k - group * rows.made_of_group);
  }
};

// A thread per o_i[b].
static __global__ void __launch_bounds__(256) minibatch_kernel(MinibatchRows rows, float* o) {
  for (int64_t item = thread_in_grid(); item < rows.made * rows.features;
       item += threads_in_grid()) {
    int64_t k = item;
    const int b = static_cast<int>(rows.by_features.split(k));
    const auto [i, first] = MinibatchRow(rows, k);
    float sum = 0;
    for (int64_t j = first; j < first + rows.in_group; ++j)
      if (j != i) sum += std::exp(-rows.distance(i, j, b));
    o[item] = sum;
  }
}

// Where an element of the rows that are made lies: the k-th of them, dimension and feature.
struct MinibatchPlace {
  int64_t k, in_row;
  int b;
  __device__ MinibatchPlace(const MinibatchRows& rows, int64_t item) : k(item) {
    int64_t of_row = in_row = rows.by_width.split(k);
    b = static_cast<int>(rows.by_features.split(of_row));
  }
};

// A thread per dm_i[c][b], which works out every distance again: there are few dimensions.
static __global__ void __launch_bounds__(256)
    minibatch_backward_kernel(MinibatchRows rows, float* dm, const float* dy) {
  const int64_t size = rows.made * rows.width();
  for (int64_t item = thread_in_grid(); item < size; item += threads_in_grid()) {
    const MinibatchPlace place(rows, item);
    const int64_t in_row = place.in_row;
    const auto [i, first] = MinibatchRow(rows, place.k);
    const float at_i = rows.m[i * rows.width() + in_row];
    const float own = dy[i * rows.features + place.b];
    float sum = 0;
    for (int64_t j = first; j < first + rows.in_group; ++j) {
      if (j == i) continue;
      const float near = std::exp(-rows.distance(i, j, place.b));
      const float both = own + dy[j * rows.features + place.b];
      sum -= near * both * sign_of(at_i - rows.m[j * rows.width() + in_row]);
    }
    dm[item] = sum;
  }
}

// As minibatch_backward_kernel; the threads of the first dimension write uo.
static __global__ void __launch_bounds__(256)
    minibatch_double_backward_kernel(MinibatchRows rows, float* uo, float* hm, const float* dy,
                                     const float* um) {
  const int64_t size = rows.made * rows.width();
  for (int64_t item = thread_in_grid(); item < size; item += threads_in_grid()) {
    const MinibatchPlace place(rows, item);
    const int64_t in_row = place.in_row;
    const auto [i, first] = MinibatchRow(rows, place.k);
    const float at_i = rows.m[i * rows.width() + in_row];
    const float own = dy[i * rows.features + place.b];
    float tangent = 0, sum = 0;
    for (int64_t j = first; j < first + rows.in_group; ++j) {
      if (j == i) continue;
      const float near = std::exp(-rows.distance(i, j, place.b));
      const float moved = near * rows.tangent(um, i, j, place.b);
      const float both = own + dy[j * rows.features + place.b];
      tangent -= moved;
      sum += moved * both * sign_of(at_i - rows.m[j * rows.width() + in_row]);
    }
    hm[item] = sum;
    if (in_row < rows.features) uo[place.k * rows.features + place.b] = tangent;
  }
}

}  // namespace gantry::cuda
