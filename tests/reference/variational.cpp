// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {

using reference::Args;
using reference::loop;
using reference::normal_of;

namespace {

void forward(const VariationalDesc& d, Args a) {
  const double n = static_cast<double>(d.n);
  double kl = 0;
  for (int64_t i = 0; i < d.n; ++i) {
    const double *mu = a.real(2) + i * 2 * d.size, *v = mu + d.size;
    for (int64_t e = 0; e < d.size; ++e) {
      const double eps = normal_of(d.key, *a.counter(3), d.first_sample + i, e);
      a.real(0)[i * d.size + e] = mu[e] + std::exp(v[e] / 2) * eps;
      kl += (mu[e] * mu[e] + std::exp(v[e]) - 1 - v[e]) / 2;
    }
  }
  *a.real(1) = kl / n;
}

void backward(const VariationalDesc& d, Args a) {
  const double weight = static_cast<double>(d.scale) / static_cast<double>(d.n);
  for (int64_t i = 0; i < d.n; ++i) {
    const double *mu = a.real(1) + i * 2 * d.size, *v = mu + d.size, *dz = a.real(2) + i * d.size;
    double *dmu = a.real(0) + i * 2 * d.size, *dv = dmu + d.size;
    for (int64_t e = 0; e < d.size; ++e) {
      const double eps = normal_of(d.key, *a.counter(3), d.first_sample + i, e);
      dmu[e] = dz[e] + weight * mu[e];
      dv[e] = dz[e] * eps * std::exp(v[e] / 2) / 2 + weight * (std::exp(v[e]) - 1) / 2;
    }
  }
}

}  // namespace

Kernels::Made ReferenceKernels::make_variational(const VariationalDesc& d, VariationalPass pass) {
  if (pass == VariationalPass::kForward) return loop(4, [d](Args a) { forward(d, a); });
  return loop(4, [d](Args a) { backward(d, a); });
}

}  // namespace gantry
