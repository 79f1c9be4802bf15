// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/activation_math.h"
#include "kernels/common/loss_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/reduce_kernels.cuh"

namespace gantry::cuda {

// Pointwise losses, for map_reduce_kernel. totals: value, right.
template <LossDesc::Kind kKind, bool kGradient>
struct LossElement {
  float weight;  // of an element in the mean, times the scale
  __device__ void operator()(int64_t, const float (&x)[2], float (&dx)[1],
                             double (&total)[2]) const {
    add(x[0], x[1], 1, dx, total);
  }
  __device__ void add(float x, float t, float own, float (&dx)[1], double (&total)[2]) const {
    const auto term = loss_term<kKind, LibraryMath>(x, t);
    total[0] += static_cast<double>(own) * static_cast<double>(term.value);
    total[1] += term.right ? 1 : 0;
    if constexpr (kGradient) dx[0] = weight * own * term.slope;
  }
};

// The same with one target per sample, and where `w` is not null a weight.
template <LossDesc::Kind kKind, bool kGradient>
struct LossElementOfSample {
  LossElement<kKind, kGradient> element;
  const float *t, *w;
  Divisor per_sample;
  __device__ void operator()(int64_t i, const float (&x)[1], float (&dx)[1],
                             double (&total)[2]) const {
    const int64_t sample = per_sample.divide(i);
    element.add(x[0], t[sample], w ? w[sample] : 1, dx, total);
  }
};

struct WriteLoss {
  float *value, *rate;
  double scale, items;
  __device__ void operator()(const double (&total)[2]) const {
    *value = static_cast<float>(scale * total[0] / items);
    *rate = static_cast<float>(total[1] / items);
  }
};

struct LogitRows {
  const float *x, *t;
  float* dx;  // or null
  int64_t rows;
  int classes;
  double weight;
};

// The largest of a row over the lanes of a warp, the first of several.
struct Largest {
  float value;
  int at;
  __device__ void meet(float other, int place) {
    if (other > value || (other == value && place < at)) {
      value = other;
      at = place;
    }
  }
};

// The largest of a row and the sum of exp(x - largest), for all lanes of its warp.
struct RowExponentials {
  Largest best;
  double top, sum;

  __device__ RowExponentials(const float* x, int classes, int lane) : best{x[0], 0}, sum(0) {
    for (int c = lane; c < classes; c += kWarp) best.meet(x[c], c);
    for (int step = kWarp / 2; step > 0; step /= 2) {
      const float value = __shfl_xor_sync(kAllLanes, best.value, step);
      const int at = __shfl_xor_sync(kAllLanes, best.at, step);
      best.meet(value, at);
    }
    top = static_cast<double>(best.value);
    for (int c = lane; c < classes; c += kWarp) sum += exp(static_cast<double>(x[c]) - top);
    for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  }
  __device__ double share(float x) const { return exp(static_cast<double>(x) - top) / sum; }
};

// -log softmax(x)[t] = log(sum exp(x - max)) + max - x[t].
struct CrossEntropy {
  int target;
  double value;
  bool right;

  __device__ CrossEntropy(const RowExponentials& all, const float* x, float t)
      : target(static_cast<int>(t)),
        value(log(all.sum) + (all.top - static_cast<double>(x[target]))),
        right(all.best.at == target) {}
  __device__ double slope(double share, int c) const { return share - (c == target ? 1 : 0); }
};

struct BceLogSumExp {
  LossTerm<double> term;
  double value;
  bool right;

  __device__ BceLogSumExp(const RowExponentials& all, const float*, float t)
      : term(loss_term<LossDesc::Kind::kBceLogits, LibraryMath>(log(all.sum) + all.top,
                                                                static_cast<double>(t))),
        value(term.value),
        right(term.right) {}
  __device__ double slope(double share, int) const { return term.slope * share; }
};

// A loss of each row of logits; a warp per row. totals: value, right.
template <typename Loss, typename Finish>
__global__ void __launch_bounds__(256)
    row_loss_kernel(LogitRows d, double* partial, Finish finish) {
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const int64_t warps = threads_in_grid() / kWarp;
  double total[2] = {};
  for (int64_t row = thread_in_grid() / kWarp; row < d.rows; row += warps) {
    const float* x = d.x + row * d.classes;
    const RowExponentials all(x, d.classes, lane);
    const Loss loss(all, x, d.t[row]);
    for (int c = lane; d.dx && c < d.classes; c += kWarp) {
      const double share = all.share(x[c]);
      d.dx[row * d.classes + c] = static_cast<float>(d.weight * loss.slope(share, c));
    }
    if (lane > 0) continue;
    total[0] += loss.value;
    total[1] += loss.right ? 1 : 0;
  }
  end_reduction<JoinSum>(total, partial, finish);
}

}  // namespace gantry::cuda
