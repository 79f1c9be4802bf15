// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/ops/augment.h"

namespace gantry {

// Uniform in 0 .. count - 1; the product is exact.
GANTRY_HOST_DEVICE inline int uniform_below(float u, int64_t count) {
  return static_cast<int>(static_cast<double>(u) * static_cast<double>(count));
}

GANTRY_HOST_DEVICE inline int shift_of(float translation, int64_t size, float u) {
  const int reach =
      static_cast<int>(static_cast<double>(translation) * static_cast<double>(size) + 0.5);
  return uniform_below(u, 2 * reach + 1) - reach;
}

GANTRY_HOST_DEVICE inline int cut_begin(int64_t side, int64_t size, float u) {
  return uniform_below(u, size + 1 - side % 2) - static_cast<int>(side / 2);
}

// The row of one sample. cut_h, cut_w: cut_side of d. p: of d.adaptive, else 1.
GANTRY_HOST_DEVICE inline void draw_augmentation(const AugmentDrawDesc& d, int64_t cut_h,
                                                 int64_t cut_w, int64_t step, uint32_t sample,
                                                 float p, float* row) {
  float u[16];
  for (uint32_t quad = 0; quad < 4; ++quad) {
    const PhiloxBlock block = random_block(d.key, static_cast<uint64_t>(step), sample, quad);
    for (int j = 0; j < 4; ++j) u[4 * quad + static_cast<uint32_t>(j)] = uniform01(block.v[j]);
  }
  row[0] = u[8] < p ? d.brightness * (u[0] - 0.5f) : 0;
  row[1] = u[9] < p ? 1 + d.saturation * (2 * u[1] - 1) : 1;
  row[2] = u[10] < p ? 1 + d.contrast * (2 * u[2] - 1) : 1;
  row[3] = u[11] < p ? static_cast<float>(shift_of(d.translation, d.h, u[3])) : 0;
  row[4] = u[11] < p ? static_cast<float>(shift_of(d.translation, d.w, u[4])) : 0;
  const bool cut = u[12] < p && cut_h > 0 && cut_w > 0;
  row[5] = cut ? static_cast<float>(cut_begin(cut_h, d.h, u[5])) : 0;
  row[6] = cut ? static_cast<float>(cut_begin(cut_w, d.w, u[6])) : 0;
  row[7] = cut ? 1 : 0;
}

// What a row does to a sample of h x w pixels.
struct Augmentation {
  float brightness, saturation, contrast;
  int h, w, shift_h, shift_w;
  int top, bottom, left, right;  // of what is cut out

  GANTRY_HOST_DEVICE Augmentation(const float* row, int64_t height, int64_t width, int64_t cut_h,
                                  int64_t cut_w)
      : brightness(row[0]),
        saturation(row[1]),
        contrast(row[2]),
        h(static_cast<int>(height)),
        w(static_cast<int>(width)),
        shift_h(static_cast<int>(row[3])),
        shift_w(static_cast<int>(row[4])),
        top(static_cast<int>(row[5])),
        bottom(row[7] > 0 ? top + static_cast<int>(cut_h) : top),
        left(static_cast<int>(row[6])),
        right(row[7] > 0 ? left + static_cast<int>(cut_w) : left) {}

  GANTRY_HOST_DEVICE bool inside(int row, int column) const {
    return row >= 0 && row < h && column >= 0 && column < w;
  }
  // Pixel of y that pixel (row, column) of x goes to; -1 if it is not shown.
  GANTRY_HOST_DEVICE int target(int row, int column) const {
    const int r = row + shift_h, c = column + shift_w;
    const bool cut = r >= top && r < bottom && c >= left && c < right;
    return inside(r, c) && !cut ? r * w + c : -1;
  }
  // Pixel of x that is shown at pixel (row, column) of y; -1 if none is.
  GANTRY_HOST_DEVICE int source(int row, int column) const {
    const int r = row - shift_h, c = column - shift_w;
    return inside(r, c) && target(r, c) >= 0 ? r * w + c : -1;
  }
  // Brightness, saturation and contrast of a value x, m the mean of its pixel, M of its sample.
  GANTRY_HOST_DEVICE float colour(float x, float m, float M) const {
    return contrast * (saturation * (x - m) + (m - M)) + M;
  }
};

}  // namespace gantry
