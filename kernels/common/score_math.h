// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "kernels/ops/score.h"

namespace gantry {

// By how much a score is on the wrong side of the anchor; the loss is its square.
GANTRY_HOST_DEVICE inline double lecam_excess(const LecamDesc& d, double y, double anchor) {
  const double excess = d.below ? anchor - y : y - anchor;
  return excess > 0 ? excess : 0;
}

GANTRY_HOST_DEVICE inline double next_average(const MovingAverageDesc& d, double average,
                                              double value, int64_t step) {
  if (step < d.start) return value;
  const double decay = static_cast<double>(d.decay);
  return decay * average + (1 - decay) * value;
}

// By squaring: the same bits on host and device.
GANTRY_HOST_DEVICE inline double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) result *= base;
  return result;
}

// How many of n samples are in the mean at `step`.
GANTRY_HOST_DEVICE inline int64_t top_count(const TopKDesc& d, int64_t step) {
  const double n = static_cast<double>(d.y.n);
  const int64_t least = static_cast<int64_t>(d.nu * n + 0.5);
  const int64_t now = static_cast<int64_t>(n * power(d.gamma, step / d.every) + 0.5);
  const int64_t k = now > least ? now : least;
  return k > 1 ? k : 1;
}

// Whether fewer than k scores go before that of sample i.
GANTRY_HOST_DEVICE inline bool among_top(const double* scores, int64_t n, int64_t i, int64_t k) {
  int64_t before = 0;
  for (int64_t j = 0; j < n; ++j)
    before += scores[j] > scores[i] || (scores[j] == scores[i] && j < i);
  return before < k;
}

GANTRY_HOST_DEVICE inline double score_of_sample(const float* y, int64_t patches, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < patches; ++i) sum += static_cast<double>(y[n * patches + i]);
  return sum / static_cast<double>(patches);
}

// The tally and the probability after `signs` of d.y.n more samples.
struct AdaptiveState {
  double p, signs, samples;
};
struct AdaptiveStep {
  AdaptiveState next;
  double rt;
};

GANTRY_HOST_DEVICE inline AdaptiveStep adapt(const AdaptiveProbabilityDesc& d, AdaptiveState state,
                                             double signs) {
  state.signs += signs;
  state.samples += static_cast<double>(d.y.n);
  const double rt = state.signs / state.samples;
  if (state.samples < static_cast<double>(d.interval)) return {state, rt};
  const double direction = static_cast<double>(rt > d.target) - static_cast<double>(rt < d.target);
  const double p = state.p + direction * state.samples / d.span;
  return {{p > 0 ? p : 0, 0, 0}, rt};
}

}  // namespace gantry
