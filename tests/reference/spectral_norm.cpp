// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

void normalize(double* x, int64_t count, double eps) {
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += x[k] * x[k];
  const double norm = std::max(std::sqrt(sum), eps);
  for (int64_t k = 0; k < count; ++k) x[k] /= norm;
}

// v = W^T u / |W^T u|
void right_vector(const SpectralNormDesc& d, double* v, const double* w, const double* u) {
  std::fill_n(v, d.columns, 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t c = 0; c < d.columns; ++c) v[c] += w[r * d.columns + c] * u[r];
  normalize(v, d.columns, static_cast<double>(d.eps));
}

// u = W v / |W v|
void left_vector(const SpectralNormDesc& d, double* u, const double* w, const double* v) {
  std::fill_n(u, d.rows, 0.0);
  for (int64_t r = 0; r < d.rows; ++r)
    for (int64_t c = 0; c < d.columns; ++c) u[r] += w[r * d.columns + c] * v[c];
  normalize(u, d.rows, static_cast<double>(d.eps));
}

void forward(const SpectralNormDesc& d, Args a) {
  double *w_hat = a.real(0), *v = a.real(1), *u = a.real(3), *w = a.real(4);
  right_vector(d, v, w, u);
  for (int i = 0; i < d.iterations; ++i) {
    if (i > 0) right_vector(d, v, w, u);
    left_vector(d, u, w, v);
  }
  double sigma = 0;
  for (int64_t k = 0; k < d.rows * d.columns; ++k)
    sigma += u[k / d.columns] * w[k] * v[k % d.columns];
  *a.real(2) = sigma;
  for (int64_t k = 0; k < d.rows * d.columns; ++k) w_hat[k] = w[k] / sigma;
}

void backward(const SpectralNormDesc& d, Args a) {
  double *dw = a.real(0), *w_hat = a.real(1), *u = a.real(2), *v = a.real(3);
  double dot = 0;
  for (int64_t k = 0; k < d.rows * d.columns; ++k) dot += dw[k] * w_hat[k];
  for (int64_t k = 0; k < d.rows * d.columns; ++k)
    dw[k] = (dw[k] - dot * u[k / d.columns] * v[k % d.columns]) / *a.real(4);
}

}  // namespace

Kernels::Made ReferenceKernels::make_spectral_norm(const SpectralNormDesc& d,
                                                   SpectralNormPass pass) {
  return loop(5, [=](Args a) {
    return pass == SpectralNormPass::kForward ? forward(d, a) : backward(d, a);
  });
}

}  // namespace gantry
