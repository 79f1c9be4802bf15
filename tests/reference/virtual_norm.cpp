// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

// Mean and mean square of channel c of samples [first, last).
struct Moments {
  double mean = 0, square = 0;
};

template <typename Body>
void for_each(const Shape& x, int64_t first, int64_t last, int64_t c, const Body& body) {
  for (int64_t n = first; n < last; ++n)
    for (int64_t h = 0; h < x.h; ++h)
      for (int64_t w = 0; w < x.w; ++w) body(reference::at(x, n, c, h, w));
}

Moments moments(const Shape& x, int64_t first, int64_t last, int64_t c, const double* values) {
  const double count = static_cast<double>((last - first) * x.pixels());
  Moments m;
  for_each(x, first, last, c, [&](int64_t k) {
    m.mean += values[k] / count;
    m.square += values[k] * values[k] / count;
  });
  return m;
}

void forward(const VirtualNormDesc& d, Args a) {
  const double own = 1 / static_cast<double>(d.reference + 1);
  for (int64_t c = 0; c < d.x.c; ++c) {
    const Moments fixed = moments(d.x, 0, d.reference, c, a.real(3));
    for (int64_t row = 0; row < d.stats().n; ++row) {
      const int64_t first = row == 0 ? 0 : d.reference + row - 1;
      const int64_t last = row == 0 ? d.reference : first + 1;
      const Moments mine = moments(d.x, first, last, c, a.real(3));
      const double mean = (1 - own) * fixed.mean + own * mine.mean;
      const double square = (1 - own) * fixed.square + own * mine.square;
      const double rstd = 1 / std::sqrt(square - mean * mean + static_cast<double>(d.eps));
      a.real(1)[row * d.x.c + c] = mean;
      a.real(2)[row * d.x.c + c] = rstd;
      for_each(d.x, first, last, c, [&](int64_t k) {
        a.real(0)[k] = a.real(4)[c] * (a.real(3)[k] - mean) * rstd + a.real(5)[c];
      });
    }
  }
}

// By the chain rule through mean and mean square, m and q of each row:
//   y = gamma (x - m) (q - m^2 + eps)^-1/2 + beta
struct Chain {
  double by_mean = 0, by_square = 0, dgamma = 0, dbeta = 0;
};

Chain chain(const Shape& x, int64_t first, int64_t last, int64_t c, Args a, size_t in,
            int64_t row) {
  const double mean = a.real(in + 3)[row * x.c + c], rstd = a.real(in + 4)[row * x.c + c];
  const double gamma = a.real(in + 2)[c];
  Chain sum;
  for_each(x, first, last, c, [&](int64_t k) {
    const double dy = a.real(in + 1)[k], away = a.real(in)[k] - mean;
    const double by_variance = -0.5 * gamma * dy * away * rstd * rstd * rstd;
    sum.by_square += by_variance;
    sum.by_mean += -gamma * dy * rstd - 2 * mean * by_variance;
    sum.dgamma += dy * away * rstd;
    sum.dbeta += dy;
  });
  return sum;
}

void backward(const VirtualNormDesc& d, bool parameters, Args a) {
  const size_t in = parameters ? 3 : 1;
  const double own = 1 / static_cast<double>(d.reference + 1);
  const double *x = a.real(in), *dy = a.real(in + 1), *gamma = a.real(in + 2);
  const std::vector<double> delta(dy, dy + d.x.elements());  // dx may be dy
  for (int64_t c = 0; c < d.x.c; ++c) {
    std::vector<Chain> rows;
    double to_mean = 0, to_square = 0, dgamma = 0, dbeta = 0;
    for (int64_t row = 0; row < d.stats().n; ++row) {
      const int64_t first = row == 0 ? 0 : d.reference + row - 1;
      const int64_t last = row == 0 ? d.reference : first + 1;
      rows.push_back(chain(d.x, first, last, c, a, in, row));
      to_mean += (row == 0 ? 1 : 1 - own) * rows.back().by_mean;
      to_square += (row == 0 ? 1 : 1 - own) * rows.back().by_square;
      dgamma += rows.back().dgamma;
      dbeta += rows.back().dbeta;
    }
    for (int64_t row = 0; row < d.stats().n; ++row) {
      const int64_t first = row == 0 ? 0 : d.reference + row - 1;
      const int64_t last = row == 0 ? d.reference : first + 1;
      const double count = static_cast<double>((last - first) * d.x.pixels());
      const double rstd = a.real(in + 4)[row * d.x.c + c];
      const double by_mean = row == 0 ? to_mean : own * rows[static_cast<size_t>(row)].by_mean;
      const double by_square =
          row == 0 ? to_square : own * rows[static_cast<size_t>(row)].by_square;
      for_each(d.x, first, last, c, [&](int64_t k) {
        a.real(0)[k] = gamma[c] * rstd * delta[static_cast<size_t>(k)] +
                       (by_mean + 2 * x[k] * by_square) / count;
      });
    }
    if (!parameters) continue;
    a.real(1)[c] = (d.accumulate ? a.real(1)[c] : 0) + dgamma;
    a.real(2)[c] = (d.accumulate ? a.real(2)[c] : 0) + dbeta;
  }
}

}  // namespace

Kernels::Made ReferenceKernels::make_virtual_norm(const VirtualNormDesc& d, VirtualNormPass pass) {
  if (pass == VirtualNormPass::kForward) return loop(6, [d](Args a) { forward(d, a); });
  const bool parameters = pass == VirtualNormPass::kBackward;
  return loop(parameters ? 8 : 6, [=](Args a) { backward(d, parameters, a); });
}

}  // namespace gantry
