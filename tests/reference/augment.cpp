// SPDX-License-Identifier: Apache-2.0
// Step by step as the paper's code has it, and the transposes of these steps in the other order.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::at;
using reference::loop;
using reference::uniform_of;

using Image = std::vector<double>;

// v <- factor (v - mean) + mean over each run of `length` values. It is its own transpose.
void stretch(Image& v, size_t length, double factor) {
  for (size_t first = 0; first < v.size(); first += length) {
    double mean = 0;
    for (size_t i = 0; i < length; ++i) mean += v[first + i] / static_cast<double>(length);
    for (size_t i = 0; i < length; ++i) v[first + i] = factor * (v[first + i] - mean) + mean;
  }
}

Image translated(const Image& v, const Shape& s, int64_t down, int64_t right) {
  Image moved(v.size());
  for (int64_t h = 0; h < s.h; ++h) {
    for (int64_t w = 0; w < s.w; ++w) {
      const int64_t row = h - down, column = w - right;
      if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
      for (int64_t c = 0; c < s.c; ++c)
        moved[static_cast<size_t>(at(s, 0, c, h, w))] =
            v[static_cast<size_t>(at(s, 0, c, row, column))];
    }
  }
  return moved;
}

void cut_out(Image& v, const AugmentDesc& d, const double* row) {
  if (row[7] == 0) return;
  const int64_t sides[2] = {cut_side(d.cutout, d.x.h), cut_side(d.cutout, d.x.w)};
  for (int64_t h = 0; h < d.x.h; ++h) {
    for (int64_t w = 0; w < d.x.w; ++w) {
      const double below = static_cast<double>(h) - row[5],
                   beside = static_cast<double>(w) - row[6];
      const bool inside = below >= 0 && below < static_cast<double>(sides[0]) && beside >= 0 &&
                          beside < static_cast<double>(sides[1]);
      for (int64_t c = 0; inside && c < d.x.c; ++c) v[static_cast<size_t>(at(d.x, 0, c, h, w))] = 0;
    }
  }
}

Image forward(const AugmentDesc& d, Image v, const double* row) {
  for (double& value : v) value += row[0];
  stretch(v, static_cast<size_t>(d.x.c), row[1]);
  stretch(v, v.size(), row[2]);
  v = translated(v, d.x, static_cast<int64_t>(row[3]), static_cast<int64_t>(row[4]));
  cut_out(v, d, row);
  return v;
}

Image backward(const AugmentDesc& d, Image v, const double* row) {
  cut_out(v, d, row);
  v = translated(v, d.x, -static_cast<int64_t>(row[3]), -static_cast<int64_t>(row[4]));
  stretch(v, v.size(), row[2]);
  stretch(v, static_cast<size_t>(d.x.c), row[1]);
  return v;
}

double shift(float share, int64_t size, double u) {
  const double reach = std::floor(static_cast<double>(share) * static_cast<double>(size) + 0.5);
  return std::floor(u * (2 * reach + 1)) - reach;
}

double begin_of_cut(float share, int64_t size, double u) {
  const int64_t side = cut_side(share, size);
  const double places = static_cast<double>(size + 1 - side % 2);
  return std::floor(u * places) - static_cast<double>(side / 2);
}

void draw(const AugmentDrawDesc& d, int64_t step, int64_t n, double p, double* row) {
  const auto u = [&](int64_t e) { return uniform_of(d.key, step, d.first_sample + n, e); };
  const double neutral[] = {0, 1, 1, 0, 0, 0, 0, 0};
  std::copy(std::begin(neutral), std::end(neutral), row);
  if (u(8) < p) row[0] = static_cast<double>(d.brightness) * (u(0) - 0.5);
  if (u(9) < p) row[1] = 1 + static_cast<double>(d.saturation) * (2 * u(1) - 1);
  if (u(10) < p) row[2] = 1 + static_cast<double>(d.contrast) * (2 * u(2) - 1);
  if (u(11) < p) {
    row[3] = shift(d.translation, d.h, u(3));
    row[4] = shift(d.translation, d.w, u(4));
  }
  if (u(12) < p && cut_side(d.cutout, d.h) > 0 && cut_side(d.cutout, d.w) > 0) {
    row[5] = begin_of_cut(d.cutout, d.h, u(5));
    row[6] = begin_of_cut(d.cutout, d.w, u(6));
    row[7] = 1;
  }
}

}  // namespace

Kernels::Made ReferenceKernels::make_augment_draw(const AugmentDrawDesc& d) {
  return loop(d.adaptive ? 3 : 2, [d](Args a) {
    for (int64_t n = 0; n < d.n; ++n)
      draw(d, *a.counter(1), n, d.adaptive ? *a.real(2) : 1, a.real(0) + n * kAugmentNumbers);
  });
}

Kernels::Made ReferenceKernels::make_augment(const AugmentDesc& d, LinearPass pass) {
  return loop(3, [=](Args a) {
    const int64_t size = d.x.per_sample();
    for (int64_t n = 0; n < d.x.n; ++n) {
      const double *from = a.real(1) + n * size, *row = a.real(2) + n * kAugmentNumbers;
      const Image given(from, from + size);
      const Image made =
          pass == LinearPass::kForward ? forward(d, given, row) : backward(d, given, row);
      std::copy(made.begin(), made.end(), a.real(0) + n * size);
    }
  });
}

}  // namespace gantry
