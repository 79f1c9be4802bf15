// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"
#include "core/tensor.h"

namespace gantry {

// Differentiable augmentation (Zhao et al. 2020; sizes and order as in their code). What happens to
// a sample stands in a row of numbers, drawn by one op and applied by another:
//   b  brightness      x + b
//   s  saturation      s (x - m) + m,  m the mean of a pixel over its channels
//   k  contrast        k (x - M) + M,  M the mean of the whole sample
//   i, j  translation  y[h][w] = x[h - i][w - j], 0 from outside
//   top, left, cut     y = 0 in the rectangle of cut_side(h) x cut_side(w) there, if cut is 1
// in this order. Affine in x, so its derivative is the same but for b.
inline constexpr int64_t kAugmentNumbers = 8;  // b, s, k, i, j, top, left, cut

// U0 .. U12: the draws of elements 0 .. 12 (kernels/ops/elementwise.h).
//   b = brightness (U0 - 1/2),  s = 1 + saturation (2 U1 - 1),  k = 1 + contrast (2 U2 - 1)
//   i = floor(U3 (2 r + 1)) - r,  r = floor(translation h + 1/2);  j by U4 and w
//   top = floor(U5 (h + 1 - c % 2)) - c / 2,  c = cut_side(h);  left by U6 and w
// Adaptive: brightness, saturation, contrast, translation and cutout happen where U8, .. U12 < p
// (Karras et al. 2020, section 2.2: each by itself), else their numbers are 0, 1, 1, 0, 0 and cut
// 0. {t: n x 8 | step (i64, 1), [p: 1]}
struct AugmentDrawDesc {
  int64_t n = 0, h = 1, w = 1;
  float brightness = 0, saturation = 0, contrast = 0;
  float translation = 0, cutout = 0;
  bool adaptive = false;
  RandomKey key{};
  uint32_t first_sample = 0;
};

// Rows or columns that are cut out of so many.
inline int64_t cut_side(float cutout, int64_t size) {
  const double side = static_cast<double>(cutout) * static_cast<double>(size);
  return static_cast<int64_t>(std::floor(side + 0.5));
}

// LinearPass::kForward: {y | x, t};  kBackward, the transpose without b: {dx | dy, t}. y is not x.
struct AugmentDesc {
  Shape x{};
  float cutout = 0;
};

}  // namespace gantry
