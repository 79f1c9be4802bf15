// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

struct Term {
  double value, slope;  // l(x, t), dl/dx
  bool right;           // counts for the rate
};

Term term(LossDesc::Kind kind, double x, double t) {
  switch (kind) {
    case LossDesc::Kind::kBceLogits: {
      // x - t x and 1 - t are formed first: what is left of 30 - 30 in double has no digits.
      const double e = std::exp(-std::fabs(x)), small = e / (1 + e);
      return {(x > 0 ? (1 - t) * x : -t * x) + std::log1p(e), x > 0 ? 1 - t - small : small - t,
              (x > 0) == (t > 0.5)};
    }
    case LossDesc::Kind::kMse:
      return {(x - t) * (x - t), 2 * (x - t), std::fabs(x - t) < 0.5};
    case LossDesc::Kind::kL1:
      return {std::fabs(x - t), x > t ? 1.0 : x < t ? -1.0 : 0.0, std::fabs(x - t) < 0.5};
    case LossDesc::Kind::kLinear:
      return {t * x, t, t * x < 0};
    case LossDesc::Kind::kHinge:
      return {t * x < 1 ? 1 - t * x : 0, t * x < 1 ? -t : 0, t * x > 0};
    case LossDesc::Kind::kCrossEntropy:
    case LossDesc::Kind::kBceLogSumExp:
      break;
  }
  return {};
}

void pointwise(const LossDesc& d, bool gradient, Args a) {
  const size_t in = gradient ? 3 : 2;
  const double count = static_cast<double>(d.x.elements()), scale = static_cast<double>(d.scale);
  double sum = 0, right = 0;
  for (int64_t k = 0; k < d.x.elements(); ++k) {
    const int64_t target = d.t == d.x ? k : k / d.x.per_sample();
    const Term l = term(d.kind, a.real(in)[k], a.real(in + 1)[target]);
    const double weight = d.weighted ? a.real(in + 2)[k / d.x.per_sample()] : 1;
    sum += weight * l.value;
    right += l.right ? 1 : 0;
    if (gradient) a.real(2)[k] = scale * weight * l.slope / count;
  }
  *a.real(0) = scale * sum / count;
  *a.real(1) = right / count;
}

void cross_entropy(const LossDesc& d, bool gradient, Args a) {
  const size_t in = gradient ? 3 : 2;
  const int64_t classes = d.x.c;
  const double count = static_cast<double>(d.x.n), scale = static_cast<double>(d.scale);
  double total = 0, right = 0;
  for (int64_t n = 0; n < d.x.n; ++n) {
    const double* x = a.real(in) + n * classes;
    const int64_t t = static_cast<int64_t>(a.real(in + 1)[n]);
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c)
      if (x[c] > x[best]) best = c;
    double rest = 0;  // of the sum of exponentials: all but the largest, which is 1
    for (int64_t c = 0; c < classes; ++c) rest += c == best ? 0 : std::exp(x[c] - x[best]);
    total += x[best] - x[t] + std::log1p(rest);
    right += best == t ? 1 : 0;
    double not_target = 0;
    for (int64_t c = 0; gradient && c < classes; ++c) {
      const double softmax = std::exp(x[c] - x[best]) / (1 + rest);
      a.real(2)[n * classes + c] = scale / count * softmax;
      not_target += c == t ? 0 : softmax;
    }
    if (gradient) a.real(2)[n * classes + t] = -scale / count * not_target;
  }
  *a.real(0) = scale * total / count;
  *a.real(1) = right / count;
}

void bce_logsumexp(const LossDesc& d, bool gradient, Args a) {
  const size_t in = gradient ? 3 : 2;
  const int64_t classes = d.x.c;
  const double count = static_cast<double>(d.x.n), scale = static_cast<double>(d.scale);
  double total = 0, right = 0;
  for (int64_t n = 0; n < d.x.n; ++n) {
    const double* x = a.real(in) + n * classes;
    const double top = *std::max_element(x, x + classes);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - top);
    const Term l = term(LossDesc::Kind::kBceLogits, top + std::log(sum), a.real(in + 1)[n]);
    total += l.value;
    right += l.right ? 1 : 0;
    for (int64_t c = 0; gradient && c < classes; ++c) {
      a.real(2)[n * classes + c] = scale / count * l.slope * std::exp(x[c] - top) / sum;
    }
  }
  *a.real(0) = scale * total / count;
  *a.real(1) = right / count;
}

}  // namespace

Kernels::Made ReferenceKernels::make_loss(const LossDesc& d, bool gradient) {
  return loop((gradient ? 5 : 4) + (d.weighted ? 1 : 0), [=](Args a) {
    if (d.kind == LossDesc::Kind::kCrossEntropy) return cross_entropy(d, gradient, a);
    if (d.kind == LossDesc::Kind::kBceLogSumExp) return bce_logsumexp(d, gradient, a);
    pointwise(d, gradient, a);
  });
}

Kernels::Made ReferenceKernels::make_reduce(const ReduceDesc& d) {
  return loop(2, [d](Args a) {
    double result = 0;
    for (int64_t k = 0; k < d.x.elements(); ++k) {
      const double x = a.real(1)[k];
      if (d.kind == ReduceDesc::Kind::kSum) result += x;
      if (d.kind == ReduceDesc::Kind::kSumSquares) result += x * x;
      if (d.kind == ReduceDesc::Kind::kMaxAbs) result = std::fmax(result, std::fabs(x));
    }
    *a.real(0) = static_cast<double>(d.scale) * result;
  });
}

}  // namespace gantry
