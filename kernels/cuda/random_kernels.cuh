// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/random_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/map_kernels.cuh"
#include "kernels/ops/elementwise.h"

namespace gantry::cuda {

// Which draws a tensor takes: see kernels/ops/elementwise.h.
struct Draws {
  RandomKey key;
  uint32_t first_sample;
  int64_t per_sample;
  Divisor quads;  // of a sample
  int64_t items;  // quads of all samples
};

// A thread per quad of a sample, as four elements share a block of words: f(block, *step, v), with
// v the four elements of x on entry and those of y after it. Samples that do not begin at a
// multiple of 16 bytes are read one element at a time.
template <bool kAligned, bool kInput, typename T, typename F>
__global__ void __launch_bounds__(256)
    draw_kernel(Draws d, T* y, const T* x, const int64_t* step, F f) {
  const int64_t now = *step;
  for (int64_t item = thread_in_grid(); item < d.items; item += threads_in_grid()) {
    int64_t n = item;
    const int64_t quad = d.quads.split(n), first = n * d.per_sample + 4 * quad;
    const int64_t count = d.per_sample - 4 * quad;
    const PhiloxBlock block =
        random_block(d.key, static_cast<uint64_t>(now), d.first_sample + static_cast<uint32_t>(n),
                     static_cast<uint32_t>(quad));
    Pack<float, 4> v{};
    if constexpr (kInput && kAligned) v = load<4>(x + first);
    if constexpr (kInput && !kAligned) {
      for (int j = 0; j < 4; ++j)
        if (j < count) v.v[j] = widened(x[first + j]);
    }
    f(block, now, v.v);
    if constexpr (kAligned) store<4>(y + first, v);
    if constexpr (!kAligned) {
      for (int j = 0; j < 4; ++j)
        if (j < count) narrow_to(y[first + j], v.v[j]);
    }
  }
}

__device__ inline void normals(const PhiloxBlock& block, float (&normal)[4]) {
  normal_pair(block.v[0], block.v[1], &normal[0], &normal[1]);
  normal_pair(block.v[2], block.v[3], &normal[2], &normal[3]);
}

template <RandomDesc::Kind kKind>
struct Draw {
  float a, b;
  __device__ void operator()(const PhiloxBlock& block, int64_t, float (&y)[4]) const {
    using Kind = RandomDesc::Kind;
    if constexpr (kKind == Kind::kNormal) normals(block, y);
    for (int j = 0; j < 4; ++j) {
      const float u = uniform01(block.v[j]);
      if constexpr (kKind == Kind::kNormal) y[j] = a + b * y[j];
      if constexpr (kKind == Kind::kUniform) y[j] = uniform_between(a, b, u);
      if constexpr (kKind == Kind::kBernoulli) y[j] = u < a ? 1.0f : 0.0f;
      if constexpr (kKind == Kind::kCategorical)
        y[j] = static_cast<float>(floor(static_cast<double>(u) * static_cast<double>(a)));
    }
  }
};

struct Drop {
  float rate, scale;
  __device__ void operator()(const PhiloxBlock& block, int64_t, float (&y)[4]) const {
    for (int j = 0; j < 4; ++j) y[j] = uniform01(block.v[j]) < rate ? 0.0f : y[j] * scale;
  }
};

struct AddNoise {
  float sigma;
  int64_t until;
  __device__ void operator()(const PhiloxBlock& block, int64_t step, float (&y)[4]) const {
    const float s = static_cast<float>(static_cast<double>(sigma) * noise_left(step, until));
    float normal[4];
    normals(block, normal);
    for (int j = 0; j < 4; ++j) y[j] = y[j] + s * normal[j];
  }
};

static __global__ void target_kernel(TargetDesc d, float* t, const int64_t* step) {
  const int64_t n = thread_in_grid();
  if (n >= d.n) return;
  const PhiloxBlock block = random_block(d.key, static_cast<uint64_t>(*step),
                                         d.first_sample + static_cast<uint32_t>(n), 0);
  const float centre = uniform01(block.v[1]) < d.flip ? d.flipped : d.base;
  t[n] = centre + d.soft * uniform01(block.v[0]);
}

static __global__ void one_hot_kernel(int64_t size, Divisor classes, float* y, const float* label) {
  for (int64_t i = thread_in_grid(); i < size; i += threads_in_grid()) {
    int64_t n = i;
    const int64_t c = classes.split(n);
    y[i] = label[n] == static_cast<float>(c) ? 1.0f : 0.0f;
  }
}

}  // namespace gantry::cuda
