// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/norm_math.h"
#include "kernels/cuda/norm_apply_kernels.cuh"

namespace gantry::cuda {

// Sums of dz and dz (x - mean), dz the delta behind the activation.
template <int kWidth, typename T>
struct BackwardTerms {
  static constexpr int kSums = 2, kExtra = 0;
  const T *x, *dy;
  Affine<kWidth> affine;

  __device__ void begin(const NormLayout& r, int64_t group, int column, int64_t) {
    affine.begin(r, group, column);
  }
  __device__ void add(int64_t at, Pack<float, kWidth> (&sums)[kSums]) const {
    const Pack<float, kWidth> value = load<kWidth>(x + at), delta = load<kWidth>(dy + at);
    for (int j = 0; j < kWidth; ++j) {
      const float centred = value.v[j] - affine.mu.v[j];
      const float dz = affine.factor(j, centred) * delta.v[j];
      sums[0].v[j] += dz;
      sums[1].v[j] += dz * centred;
    }
  }
};

// dgamma and dbeta of a column, [gamma, beta].
struct WriteGrads {
  float *dgamma, *dbeta;  // null: not wanted
  int accumulate;

  __device__ void write(int column, const Totals<2>& sums) const {
    const auto put = [&](float* to, double value) {
      if (to)
        to[column] =
            static_cast<float>(accumulate ? static_cast<double>(to[column]) + value : value);
    };
    put(dgamma, sums.at[0]);
    put(dbeta, sums.at[1]);
  }
};

// From the sums to the coefficients of NormBackward for each statistic, and the gradients.
struct FinishBackward {
  NormLayout r;
  const float *gamma, *rstd;
  float *by_centred, *constant;
  WriteGrads grads;
  Totals<2> sums;  // of the groups of one column so far; zero at first

  __device__ void weigh(int column, Totals<2>& one) const {
    for (double& sum : one.at) sum *= static_cast<double>(gamma[column]);
  }
  __device__ void slice(int64_t stat, const Totals<2>& t) const {
    const NormBackward<double> of(static_cast<double>(rstd[stat]), t.at[0] / r.values(),
                                  t.at[1] / r.values());
    by_centred[stat] = static_cast<float>(of.by_centred);
    constant[stat] = static_cast<float>(of.constant);
  }
  __device__ void add(int group, int column, const Totals<2>& t, Totals<2>& to) const {
    to.at[0] += static_cast<double>(rstd[r.stat(group, column)]) * t.at[1];
    to.at[1] += t.at[0];
  }
  __device__ void write(int column, const Totals<2>& of) const { grads.write(column, of); }
  // Columns that have a mean each, all groups in order.
  __device__ void operator()(int group, int column, const Totals<2>& t) {
    Totals<2> weighed = t;
    weigh(column, weighed);
    slice(r.stat(group, column), weighed);
    add(group, column, t, sums);
  }
  __device__ void finish(int column) const { write(column, sums); }
};

template <int kWidth, typename T>
struct ApplyBackward {
  T* dx;
  const T *x, *dy;
  Affine<kWidth> affine;
  const float *by_centred, *constant;
  Pack<float, kWidth> slope, offset;

  __device__ void begin(const NormLayout& r, int64_t group, int column) {
    affine.begin(r, group, column);
    for (int j = 0; j < kWidth; ++j) {
      slope.v[j] = by_centred[r.stat(group, column + j)];
      offset.v[j] = constant[r.stat(group, column + j)];
    }
  }
  __device__ void operator()(int64_t at) const {
    const Pack<float, kWidth> value = load<kWidth>(x + at);
    Pack<float, kWidth> delta = load<kWidth>(dy + at);
    for (int j = 0; j < kWidth; ++j) {
      const float centred = value.v[j] - affine.mu.v[j];
      const float dz = affine.factor(j, centred) * delta.v[j];
      delta.v[j] = (affine.a.v[j] * dz + offset.v[j]) + slope.v[j] * centred;
    }
    store<kWidth>(dx + at, delta);
  }
};

}  // namespace gantry::cuda
