// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

std::vector<double> scores_of(const Shape& y, const double* values) {
  std::vector<double> scores(static_cast<size_t>(y.n));
  for (int64_t k = 0; k < y.elements(); ++k)
    scores[static_cast<size_t>(k / y.per_sample())] += values[k];
  for (double& score : scores) score /= static_cast<double>(y.per_sample());
  return scores;
}

void draw_near(const LecamDesc& d, Args a) {
  const double count = static_cast<double>(d.y.elements()), anchor = *a.real(3);
  const double scale = *a.counter(4) < d.start ? 0 : static_cast<double>(d.scale);
  *a.real(0) = 0;
  for (int64_t k = 0; k < d.y.elements(); ++k) {
    const double off = a.real(2)[k] - anchor;
    const bool counts = d.below ? off < 0 : off > 0;
    *a.real(0) += counts ? scale * off * off / count : 0;
    a.real(1)[k] = counts ? scale * 2 * off / count : 0;
  }
}

// The indices in the order of the scores, equals as they come; the first k have a weight.
void top(const TopKDesc& d, Args a) {
  const double n = static_cast<double>(d.y.n);
  const double share = std::pow(d.gamma, static_cast<double>(*a.counter(3) / d.every));
  const double k = std::max({1.0, std::floor(n * share + 0.5), std::floor(n * d.nu + 0.5)});
  const std::vector<double> scores = scores_of(d.y, a.real(2));
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t i, size_t j) { return scores[i] > scores[j]; });
  for (size_t rank = 0; rank < order.size(); ++rank)
    a.real(0)[order[rank]] = static_cast<double>(rank) < k ? n / k : 0;
  *a.real(1) = k / n;
}

void adapt(const AdaptiveProbabilityDesc& d, Args a) {
  double &p = *a.real(2), &signs = a.real(3)[0], &samples = a.real(3)[1];
  for (int64_t k = 0; k < d.y.elements(); ++k)
    signs += sign(a.real(4)[k]) / static_cast<double>(d.y.per_sample());
  samples += static_cast<double>(d.y.n);
  *a.real(0) = signs / samples;
  if (samples >= static_cast<double>(d.interval)) {
    p = std::max(0.0, p + sign(signs / samples - d.target) * samples / d.span);
    signs = samples = 0;
  }
  *a.real(1) = p;
}

}  // namespace

Kernels::Made ReferenceKernels::make_lecam(const LecamDesc& d) {
  return loop(5, [d](Args a) { draw_near(d, a); });
}

Kernels::Made ReferenceKernels::make_moving_average(const MovingAverageDesc& d) {
  return loop(4, [d](Args a) {
    const double decay = *a.counter(3) < d.start ? 0 : static_cast<double>(d.decay);
    *a.real(1) = decay * *a.real(1) + (1 - decay) * *a.real(2);
    *a.real(0) = *a.real(1);
  });
}

Kernels::Made ReferenceKernels::make_top_k(const TopKDesc& d) {
  return loop(4, [d](Args a) { top(d, a); });
}

Kernels::Made ReferenceKernels::make_adaptive_probability(const AdaptiveProbabilityDesc& d) {
  return loop(5, [d](Args a) { adapt(d, a); });
}

}  // namespace gantry
