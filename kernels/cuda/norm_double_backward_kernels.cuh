// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/norm_backward_kernels.cuh"

namespace gantry::cuda {

// Sums of dz, dz c, u, u c and dz u with c = x - mean.
template <int kWidth, typename T>
struct DoubleBackwardTerms {
  static constexpr int kSums = 5, kExtra = 0;
  const T *x, *dy, *ux;
  Affine<kWidth> affine;

  __device__ void begin(const NormLayout& r, int64_t group, int column, int64_t) {
    affine.begin(r, group, column);
  }
  __device__ void add(int64_t at, Pack<float, kWidth> (&sums)[kSums]) const {
    const Pack<float, kWidth> value = load<kWidth>(x + at), delta = load<kWidth>(dy + at);
    const Pack<float, kWidth> tangent = load<kWidth>(ux + at);
    for (int j = 0; j < kWidth; ++j) {
      const float centred = value.v[j] - affine.mu.v[j], u = tangent.v[j];
      const float dz = affine.factor(j, centred) * delta.v[j];
      sums[0].v[j] += dz;
      sums[1].v[j] += dz * centred;
      sums[2].v[j] += u;
      sums[3].v[j] += u * centred;
      sums[4].v[j] += dz * u;
    }
  }
};

// The coefficients of NormDoubleBackward for each statistic.
inline constexpr int kDoubleBackwardCoefs = 6;
enum DoubleBackwardCoef { kUByCentred, kUConstant, kByCentred, kByD, kByU, kConstant };

struct FinishDoubleBackward {
  NormLayout r;
  const float *gamma, *rstd;
  float* coefs;  // [coefficient][statistic]
  WriteGrads grads;
  Totals<2> sums;  // dgamma of the groups of one column so far; zero at first

  __device__ float& coef(DoubleBackwardCoef which, int64_t stat) const {
    return coefs[which * int64_t{r.groups} * r.slices + stat];
  }
  // d = gamma dz
  __device__ void weigh(int column, Totals<5>& one) const {
    const double weight = static_cast<double>(gamma[column]);
    one.at[0] *= weight;
    one.at[1] *= weight;
    one.at[4] *= weight;
  }
  __device__ void slice(int64_t stat, const Totals<5>& t) const {
    const double m = r.values();
    const NormDoubleBackward<double> of(
        static_cast<double>(rstd[stat]),
        {t.at[0] / m, t.at[1] / m, t.at[2] / m, t.at[3] / m, t.at[4] / m});
    coef(kUByCentred, stat) = static_cast<float>(of.u_by_centred);
    coef(kUConstant, stat) = static_cast<float>(of.u_constant);
    coef(kByCentred, stat) = static_cast<float>(of.by_centred);
    coef(kByD, stat) = static_cast<float>(of.by_d);
    coef(kByU, stat) = static_cast<float>(of.by_u);
    coef(kConstant, stat) = static_cast<float>(of.constant);
  }
  // dgamma: sum of dz rstd P(u)
  __device__ void add(int group, int column, const Totals<5>& t, Totals<2>& to) const {
    const int64_t stat = r.stat(group, column);
    to.at[0] += static_cast<double>(rstd[stat]) *
                (t.at[4] + static_cast<double>(coef(kUByCentred, stat)) * t.at[1] +
                 static_cast<double>(coef(kUConstant, stat)) * t.at[0]);
  }
  __device__ void write(int column, const Totals<2>& of) const { grads.write(column, of); }
  __device__ void operator()(int group, int column, const Totals<5>& t) {
    Totals<5> weighed = t;
    weigh(column, weighed);
    slice(r.stat(group, column), weighed);
    add(group, column, t, sums);
  }
  __device__ void finish(int column) const { write(column, sums); }
};

template <int kWidth, typename T>
struct ApplyDoubleBackward {
  T *uy, *hx;
  const T *x, *dy, *ux;
  Affine<kWidth> affine;
  const float* coefs;
  Pack<float, kWidth> of[kDoubleBackwardCoefs];

  __device__ void begin(const NormLayout& r, int64_t group, int column) {
    affine.begin(r, group, column);
    for (int k = 0; k < kDoubleBackwardCoefs; ++k)
      for (int j = 0; j < kWidth; ++j)
        of[k].v[j] = coefs[k * int64_t{r.groups} * r.slices + r.stat(group, column + j)];
  }
  __device__ void operator()(int64_t at) const {
    const Pack<float, kWidth> value = load<kWidth>(x + at), delta = load<kWidth>(dy + at);
    const Pack<float, kWidth> tangent = load<kWidth>(ux + at);
    Pack<float, kWidth> first, second;
    for (int j = 0; j < kWidth; ++j) {
      const float centred = value.v[j] - affine.mu.v[j], u = tangent.v[j];
      const float factor = affine.factor(j, centred);
      const float projected = u + of[kUByCentred].v[j] * centred + of[kUConstant].v[j];
      first.v[j] = factor * affine.a.v[j] * projected;
      second.v[j] = of[kByCentred].v[j] * centred +
                    of[kByD].v[j] * affine.weight.v[j] * (factor * delta.v[j]) + of[kByU].v[j] * u +
                    of[kConstant].v[j];
    }
    store<kWidth>(uy + at, first);
    store<kWidth>(hx + at, second);
  }
};

}  // namespace gantry::cuda
