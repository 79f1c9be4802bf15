// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::at;
using reference::loop;

// Calls term(x index, w index, y index) for every product of the definition in conv2d.h.
template <typename Term>
void for_each_term(const Conv2dDesc& d, const Term& term) {
  const int64_t out_per_group = d.y.c / d.groups;
  for (int64_t n = 0; n < d.x.n; ++n)
    for (int64_t i = 0; i < d.y.h; ++i)
      for (int64_t j = 0; j < d.y.w; ++j)
        for (int64_t p = 0; p < d.w.h; ++p)
          for (int64_t q = 0; q < d.w.w; ++q) {
            const int64_t row = i * d.stride_h - d.pad_top + p * d.dilation_h;
            const int64_t column = j * d.stride_w - d.pad_left + q * d.dilation_w;
            if (row < 0 || row >= d.x.h || column < 0 || column >= d.x.w) continue;
            for (int64_t o = 0; o < d.y.c; ++o) {
              const int64_t first = o / out_per_group * d.w.c;
              for (int64_t c = 0; c < d.w.c; ++c)
                term(at(d.x, n, first + c, row, column), at(d.w, o, c, p, q), at(d.y, n, o, i, j));
            }
          }
}

void set_to_bias(double* y, const Shape& shape, const double* bias) {
  for (int64_t k = 0; k < shape.elements(); ++k) y[k] = bias ? bias[k % shape.c] : 0;
}

void activate(double* y, int64_t count, const Activation& act) {
  for (int64_t k = 0; k < count; ++k) y[k] = reference::activation_value(act, y[k]);
}

}  // namespace

Kernels::Made ReferenceKernels::make_conv2d(const Conv2dDesc& d, Conv2dPass pass) {
  const size_t args = pass != Conv2dPass::kBackwardWeights && d.bias ? 4 : 3;
  if (pass == Conv2dPass::kForward) {
    return loop(args, [d](Args a) {
      double *y = a.real(0), *x = a.real(1), *w = a.real(2);
      set_to_bias(y, d.y, d.bias ? a.real(3) : nullptr);
      for_each_term(d, [=](int64_t xi, int64_t wi, int64_t yi) { y[yi] += x[xi] * w[wi]; });
      activate(y, d.y.elements(), d.activation);
    });
  }
  if (pass == Conv2dPass::kBackwardData) {
    return loop(args, [d](Args a) {
      double *dx = a.real(0), *dy = a.real(1), *w = a.real(2);
      set_to_bias(dx, d.x, d.bias ? a.real(3) : nullptr);
      for_each_term(d, [=](int64_t xi, int64_t wi, int64_t yi) { dx[xi] += dy[yi] * w[wi]; });
      activate(dx, d.x.elements(), d.activation);
    });
  }
  return loop(args, [d](Args a) {
    double *dw = a.real(0), *x = a.real(1), *dy = a.real(2);
    if (!d.accumulate) std::fill_n(dw, d.w.elements(), 0.0);
    for_each_term(d, [=](int64_t xi, int64_t wi, int64_t yi) { dw[wi] += x[xi] * dy[yi]; });
  });
}

Kernels::Made ReferenceKernels::make_dense(const DenseDesc& d, DensePass pass) {
  if (pass == DensePass::kForward) {
    return loop(d.bias ? 4 : 3, [d](Args a) {
      double *y = a.real(0), *x = a.real(1), *w = a.real(2);
      for (int64_t n = 0; n < d.n; ++n)
        for (int64_t o = 0; o < d.out; ++o) {
          double sum = d.bias ? a.real(3)[o] : 0;
          for (int64_t i = 0; i < d.in; ++i) sum += x[n * d.in + i] * w[o * d.in + i];
          y[n * d.out + o] = reference::activation_value(d.activation, sum);
        }
    });
  }
  if (pass == DensePass::kBackwardData) {
    return loop(3, [d](Args a) {
      double *dx = a.real(0), *dy = a.real(1), *w = a.real(2);
      std::fill_n(dx, d.n * d.in, 0.0);
      for (int64_t n = 0; n < d.n; ++n)
        for (int64_t o = 0; o < d.out; ++o)
          for (int64_t i = 0; i < d.in; ++i)
            dx[n * d.in + i] += dy[n * d.out + o] * w[o * d.in + i];
    });
  }
  return loop(3, [d](Args a) {
    double *dw = a.real(0), *x = a.real(1), *dy = a.real(2);
    if (!d.accumulate) std::fill_n(dw, d.out * d.in, 0.0);
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t o = 0; o < d.out; ++o)
        for (int64_t i = 0; i < d.in; ++i) dw[o * d.in + i] += dy[n * d.out + o] * x[n * d.in + i];
  });
}

Kernels::Made ReferenceKernels::make_bias_grad(const BiasGradDesc& d) {
  return loop(2, [d](Args a) {
    double *db = a.real(0), *dy = a.real(1);
    if (!d.accumulate) std::fill_n(db, d.dy.c, 0.0);
    for (int64_t k = 0; k < d.dy.elements(); ++k) db[k % d.dy.c] += dy[k];
  });
}

Kernels::Made ReferenceKernels::make_bias_add(const BiasAddDesc& d) {
  return loop(3, [d](Args a) {
    for (int64_t k = 0; k < d.x.elements(); ++k) a.real(0)[k] = a.real(1)[k] + a.real(2)[k % d.x.c];
  });
}

}  // namespace gantry
