// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;
using reference::uniform_of;

}  // namespace

Kernels::Made ReferenceKernels::make_interpolate(const InterpolateDesc& d) {
  return loop(4, [d](Args args) {
    for (int64_t k = 0; k < d.x.elements(); ++k) {
      const int64_t n = k / d.x.per_sample();
      const double a = uniform_of(d.key, *args.counter(3), d.first_sample + n, 0);
      args.real(0)[k] = a * args.real(1)[k] + (1 - a) * args.real(2)[k];
    }
  });
}

Kernels::Made ReferenceKernels::make_deviation(const DeviationDesc& d) {
  return loop(2, [d](Args a) {
    const int64_t size = d.x.elements();
    double mean = 0, squares = 0;
    for (int64_t k = 0; k < size; ++k) mean += a.real(1)[k] / static_cast<double>(size);
    for (int64_t k = 0; k < size; ++k) squares += std::pow(a.real(1)[k] - mean, 2);
    *a.real(0) = std::sqrt(squares / static_cast<double>(size));
  });
}

Kernels::Made ReferenceKernels::make_perturb(const PerturbDesc& d) {
  return loop(4, [d](Args args) {
    const int64_t step = *args.counter(3);
    const double reach = static_cast<double>(d.spread) * *args.real(2);
    for (int64_t k = 0; k < d.x.elements(); ++k) {
      const int64_t sample = d.first_sample + k / d.x.per_sample(), e = k % d.x.per_sample();
      const double a = uniform_of(d.key, step, sample, 0);
      const double u = uniform_of(d.noise_key, step, sample, e);
      args.real(0)[k] = args.real(1)[k] + a * reach * u;
    }
  });
}

Kernels::Made ReferenceKernels::make_gradient_penalty(const GradientPenaltyDesc& d) {
  return loop(4, [d](Args a) {
    using Kind = GradientPenaltyDesc::Kind;
    const double target = static_cast<double>(d.target), scale = static_cast<double>(d.scale);
    const double samples = static_cast<double>(d.g.n);
    double value = 0, norms = 0;
    for (int64_t n = 0; n < d.g.n; ++n) {
      const double* g = a.real(3) + n * d.g.per_sample();
      double* v = a.real(2) + n * d.g.per_sample();
      double squares = 0;
      for (int64_t k = 0; k < d.g.per_sample(); ++k) squares += g[k] * g[k];
      const double r = std::sqrt(squares + 1e-10);
      double p = std::pow(r - target, 2), slope = 2 * (r - target) / r;  // dp/dg = slope g
      if (d.kind == Kind::kOneSided && r < target) p = slope = 0;
      if (d.kind == Kind::kSquared) {
        p = squares / 2;
        slope = 1;
      }
      for (int64_t k = 0; k < d.g.per_sample(); ++k) v[k] = scale / samples * slope * g[k];
      value += p;
      norms += std::sqrt(squares);
    }
    *a.real(0) = scale * value / samples;
    *a.real(1) = norms / samples;
  });
}

}  // namespace gantry
