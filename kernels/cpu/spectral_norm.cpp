// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

constexpr int64_t kColumns = 256;  // of one piece of W^T u

double wide(float x) { return static_cast<double>(x); }

double dot(const float* a, const float* b, int64_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < count; ++i) total += wide(a[i]) * wide(b[i]);
  return total;
}

// y = x / max(|x|, eps), from f64.
void normalise(const double* x, int64_t count, double eps, float* y) {
  double square = 0;
  for (int64_t i = 0; i < count; ++i) square += x[i] * x[i];
  const double scale = 1 / std::max(std::sqrt(square), eps);
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i] * scale);
}

// One forward pass. `product` has room for max(rows, columns) f64.
struct Forward {
  const SpectralNormDesc& d;
  int threads;
  double* product;
  const float* w;

  // product = W^T u
  void times_u(const float* u) const {
    const cpu::Pieces pieces{d.columns, kColumns};
    cpu::parallel_for(threads, pieces.count(), [&](int64_t piece) {
      const int64_t begin = pieces.begin(piece), count = pieces.size_of(piece);
      double sum[kColumns] = {};
      for (int64_t r = 0; r < d.rows; ++r) {
        const float* row = w + r * d.columns + begin;
        const double weight = wide(u[r]);
#pragma omp simd
        for (int64_t c = 0; c < count; ++c) sum[c] += weight * wide(row[c]);
      }
      std::copy_n(sum, count, product + begin);
    });
  }

  // product = W v
  void times_v(const float* v) const {
    cpu::parallel_for(threads, d.rows,
                      [&](int64_t r) { product[r] = dot(w + r * d.columns, v, d.columns); });
  }

  double run(float* v, float* u) const {
    const double eps = static_cast<double>(d.eps);
    for (int i = 0; i < std::max(1, d.iterations); ++i) {
      times_u(u);
      normalise(product, d.columns, eps, v);
      times_v(v);
      if (d.iterations > 0) normalise(product, d.rows, eps, u);
    }
    double sigma = 0;
    for (int64_t r = 0; r < d.rows; ++r) sigma += wide(u[r]) * product[r];
    return sigma;
  }
};

std::shared_ptr<Kernel> forward_kernel(const SpectralNormDesc& d, int threads) {
  const size_t room = static_cast<size_t>(std::max(d.rows, d.columns)) * sizeof(double);
  return cpu::loop_kernel(5, room, [=](Args a, void* scratch) {
    const float* w = a.real(4);
    const Forward pass{d, threads, static_cast<double*>(scratch), w};
    const double sigma = pass.run(a.real(1), a.real(3));
    *a.real(2) = static_cast<float>(sigma);
    const float scale = static_cast<float>(1 / sigma);
    float* w_hat = a.real(0);
    cpu::parallel_ranges(threads, d.rows * d.columns, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) w_hat[i] = w[i] * scale;
    });
  });
}

std::shared_ptr<Kernel> backward_kernel(const SpectralNormDesc& d, int threads) {
  const size_t room = static_cast<size_t>(d.rows) * sizeof(double);
  return cpu::loop_kernel(5, room, [=](Args a, void* scratch) {
    float* dw = a.real(0);
    const float *w_hat = a.real(1), *u = a.real(2), *v = a.real(3);
    double* parts = static_cast<double*>(scratch);
    cpu::parallel_for(threads, d.rows, [&](int64_t r) {
      parts[r] = dot(dw + r * d.columns, w_hat + r * d.columns, d.columns);
    });
    const double along = cpu::tree_sum(parts, d.rows), scale = 1 / wide(*a.real(4));
    cpu::parallel_for(threads, d.rows, [&](int64_t r) {
      float* row = dw + r * d.columns;
      const double drop = along * wide(u[r]);
      // f64: of a matrix of rank 1 the difference is nothing but what rounding leaves.
#pragma omp simd
      for (int64_t c = 0; c < d.columns; ++c)
        row[c] = static_cast<float>(scale * (wide(row[c]) - drop * wide(v[c])));
    });
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_spectral_norm(const SpectralNormDesc& d, SpectralNormPass pass) {
  return pass == SpectralNormPass::kForward ? forward_kernel(d, threads())
                                            : backward_kernel(d, threads());
}

}  // namespace gantry
