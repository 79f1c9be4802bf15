// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/norm_apply_kernels.cuh"

namespace gantry::cuda {

// Sums of x - shift and of its square; the shift is the chunk's first value, so that what is left
// is of the size of the deviation and not of the mean.
template <int kWidth, typename T>
struct MomentTerms {
  static constexpr int kSums = 2, kExtra = 1;
  const T* x;
  Pack<float, kWidth> extra;  // the shift

  __device__ void begin(const NormLayout&, int64_t, int, int64_t first) {
    extra = load<kWidth>(x + first);
  }
  __device__ void add(int64_t at, Pack<float, kWidth> (&sums)[kSums]) const {
    const Pack<float, kWidth> value = load<kWidth>(x + at);
    for (int j = 0; j < kWidth; ++j) {
      const float shifted = value.v[j] - extra.v[j];
      sums[0].v[j] += shifted;
      sums[1].v[j] += shifted * shifted;
    }
  }
};

// mean and rstd of each slice.
struct WriteStats {
  float *mean, *rstd;
  double eps;

  __device__ void write(int64_t stat, const Moments& m) const {
    mean[stat] = static_cast<float>(m.mean);
    rstd[stat] = static_cast<float>(1 / sqrt(m.m2 / m.count + eps));
  }
  __device__ void weigh(int, Moments&) const {}
  __device__ void slice(int64_t stat, const Moments& m) const { write(stat, m); }
};

// Of columns that have a mean each, and the running statistics, group by group in order.
struct FinishBatch {
  WriteStats stats;
  float *running_mean, *running_var;  // null: left alone
  double momentum;
  int unbiased;
  int columns;

  __device__ void operator()(int group, int column, const Moments& m) const {
    stats.write(int64_t{group} * columns + column, m);
    if (!running_mean) return;
    // Of one value the unbiased variance is 0 / 0; the biased one is 0.
    const double var = m.m2 / m.count * (unbiased && m.count > 1 ? m.count / (m.count - 1) : 1);
    const auto moved = [&](float* running, double value) {
      const double old = static_cast<double>(running[column]);
      running[column] = static_cast<float>((1 - momentum) * old + momentum * value);
    };
    moved(running_mean, m.mean);
    moved(running_var, var);
  }
  __device__ void finish(int) const {}
};

template <int kWidth, typename T>
struct ApplyForward {
  T* y;
  const T* x;
  Affine<kWidth> affine;

  __device__ void begin(const NormLayout& r, int64_t group, int column) {
    affine.begin(r, group, column);
  }
  __device__ void operator()(int64_t at) const {
    Pack<float, kWidth> value = load<kWidth>(x + at);
    for (int j = 0; j < kWidth; ++j)
      value.v[j] = affine.activated((value.v[j] - affine.mu.v[j]) * affine.a.v[j] + affine.b.v[j]);
    store<kWidth>(y + at, value);
  }
};

}  // namespace gantry::cuda
