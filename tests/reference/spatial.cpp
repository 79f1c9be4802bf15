// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::at;
using reference::loop;

// Runs a linear map, given as the list of its matrix entries each(entry), entry(y, x, weight),
// forward or transposed.
template <typename Each>
std::shared_ptr<Kernel> linear(const Shape& x, const Shape& y, LinearPass pass, Each each) {
  return loop(2, [=](Args a) {
    double *out = a.real(0), *in = a.real(1);
    const bool forward = pass == LinearPass::kForward;
    std::fill_n(out, (forward ? y : x).elements(), 0.0);
    each([=](int64_t yi, int64_t xi, double weight) {
      if (forward) out[yi] += weight * in[xi];
      if (!forward) out[xi] += weight * in[yi];
    });
  });
}

template <typename Body>
void for_each_element(const Shape& s, const Body& body) {
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t h = 0; h < s.h; ++h)
      for (int64_t w = 0; w < s.w; ++w)
        for (int64_t c = 0; c < s.c; ++c) body(n, c, h, w);
}

struct Tap {
  int64_t low, high;
  double weight_high;
};

Tap bilinear_tap(int64_t i, int64_t factor, int64_t size) {
  const double f = static_cast<double>(factor);
  const double place =
      std::clamp((static_cast<double>(i) + 0.5) / f - 0.5, 0.0, static_cast<double>(size - 1));
  const int64_t low = static_cast<int64_t>(std::floor(place));
  return {low, std::min(low + 1, size - 1), place - static_cast<double>(low)};
}

template <typename Entry>
void bilinear_entries(const UpsampleDesc& d, const Shape& y, const Entry& entry) {
  for_each_element(y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const Tap v = bilinear_tap(h, d.factor, d.x.h), u = bilinear_tap(w, d.factor, d.x.w);
    const int64_t yi = at(y, n, c, h, w);
    entry(yi, at(d.x, n, c, v.low, u.low), (1 - v.weight_high) * (1 - u.weight_high));
    entry(yi, at(d.x, n, c, v.low, u.high), (1 - v.weight_high) * u.weight_high);
    entry(yi, at(d.x, n, c, v.high, u.low), v.weight_high * (1 - u.weight_high));
    entry(yi, at(d.x, n, c, v.high, u.high), v.weight_high * u.weight_high);
  });
}

// Calls visit(row, column) for the pixels of x inside the window of output (h, w), row by row.
template <typename Visit>
void for_each_in_window(const PoolDesc& d, int64_t h, int64_t w, const Visit& visit) {
  for (int64_t p = 0; p < d.kernel_h; ++p)
    for (int64_t q = 0; q < d.kernel_w; ++q) {
      const int64_t row = h * d.stride_h - d.pad_top + p, column = w * d.stride_w - d.pad_left + q;
      if (row >= 0 && row < d.x.h && column >= 0 && column < d.x.w) visit(row, column);
    }
}

template <typename Entry>
void average_entries(const PoolDesc& d, const Entry& entry) {
  for_each_element(d.y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    double count = 0;
    for_each_in_window(d, h, w, [&](int64_t, int64_t) { count += 1; });
    for_each_in_window(d, h, w, [&](int64_t row, int64_t column) {
      entry(at(d.y, n, c, h, w), at(d.x, n, c, row, column), 1 / count);
    });
  });
}

void max_forward(const PoolDesc& d, Args a) {
  double *y = a.real(0), *x = a.real(2);
  int32_t* index = a.index(1);
  for_each_element(d.y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const int64_t yi = at(d.y, n, c, h, w);
    index[yi] = -1;
    for_each_in_window(d, h, w, [&](int64_t row, int64_t column) {
      const double value = x[at(d.x, n, c, row, column)];
      if (index[yi] >= 0 && value <= y[yi]) return;
      y[yi] = value;
      index[yi] = static_cast<int32_t>(row * d.x.w + column);
    });
  });
}

// Backward: out = dx gathers; tangent: out = uy reads through the same index.
void max_linear(const PoolDesc& d, bool tangent, Args a) {
  double *out = a.real(0), *in = a.real(1);
  const int32_t* index = a.index(2);
  if (!tangent) std::fill_n(out, d.x.elements(), 0.0);
  for_each_element(d.y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const int64_t yi = at(d.y, n, c, h, w);
    const int64_t xi = at(d.x, n, c, index[yi] / d.x.w, index[yi] % d.x.w);
    if (tangent) out[yi] = in[xi];
    if (!tangent) out[xi] += in[yi];
  });
}

int64_t reflected(int64_t i, int64_t size) {
  if (i < 0) i = -i;
  return i >= size ? 2 * (size - 1) - i : i;
}

template <typename Entry>
void pad_entries(const PadDesc& d, const Entry& entry) {
  const Shape y = d.y();
  for_each_element(y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    int64_t row = h - d.top, column = w - d.left;
    if (d.kind == PadDesc::Kind::kReflect) {
      row = reflected(row, d.x.h);
      column = reflected(column, d.x.w);
    }
    if (row < 0 || row >= d.x.h || column < 0 || column >= d.x.w) return;
    entry(at(y, n, c, h, w), at(d.x, n, c, row, column), 1.0);
  });
}

}  // namespace

Kernels::Made ReferenceKernels::make_upsample(const UpsampleDesc& d, LinearPass pass) {
  const Shape y{d.x.n, d.x.c, d.x.h * d.factor, d.x.w * d.factor};
  return linear(d.x, y, pass, [=](const auto& entry) {
    if (d.kind == UpsampleDesc::Kind::kBilinear) return bilinear_entries(d, y, entry);
    for_each_element(y, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
      entry(at(y, n, c, h, w), at(d.x, n, c, h / d.factor, w / d.factor), 1.0);
    });
  });
}

Kernels::Made ReferenceKernels::make_pool(const PoolDesc& d, PoolPass pass) {
  if (d.kind == PoolDesc::Kind::kAverage) {
    GANTRY_CHECK(pass != PoolPass::kTangent, "average pooling is linear: its tangent is forward");
    return linear(d.x, d.y,
                  pass == PoolPass::kForward ? LinearPass::kForward : LinearPass::kBackward,
                  [=](const auto& entry) { average_entries(d, entry); });
  }
  return loop(3, [=](Args a) {
    if (pass == PoolPass::kForward) return max_forward(d, a);
    max_linear(d, pass == PoolPass::kTangent, a);
  });
}

Kernels::Made ReferenceKernels::make_pad(const PadDesc& d, LinearPass pass) {
  return linear(d.x, d.y(), pass, [=](const auto& entry) { pad_entries(d, entry); });
}

Kernels::Made ReferenceKernels::make_channel_concat(const ConcatDesc& d, LinearPass pass) {
  Shape y = d.x.front();
  y.c = 0;
  for (const Shape& x : d.x) y.c += x.c;
  const bool forward = pass == LinearPass::kForward;
  return loop(1 + d.x.size(), [=](Args a) {
    double* whole = a.real(forward ? 0 : d.x.size());
    int64_t first = 0;
    for (size_t i = 0; i < d.x.size(); ++i) {
      double* part = a.real(forward ? 1 + i : i);
      for_each_element(d.x[i], [&](int64_t n, int64_t c, int64_t h, int64_t w) {
        double& outer = whole[at(y, n, first + c, h, w)];
        double& inner = part[at(d.x[i], n, c, h, w)];
        forward ? outer = inner : inner = outer;
      });
      first += d.x[i].c;
    }
  });
}

}  // namespace gantry
