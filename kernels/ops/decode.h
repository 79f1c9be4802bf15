// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// A batch read from a set of images that lies in the device's memory as bytes: what train/data
// reads on the host, bit for bit, but for rotations. Sample i of the batch is number g = *first + i
// of the stream, which stands at place g mod count of epoch g div count (core/shuffle.h, or in
// order).
//   y[i, c, h, w] = low + (high - low) b / 255 in f64, b = set[index, c, F(h + top, w + left)],
// where F mirrors (flip, vertical_flip: by chance one half each), (top, left) is where a window of
// y's size lies, uniformly, less a shift uniform in -shift .. shift in both directions, and b =
// fill outside of the image. Draws: words of random_block(random_key(seed, Purpose::kAugment), g,
// 0, q), q = 0: bit 0 of words 0 and 1 flips across and along; q = 1: shift down, across, window's
// top, left.
struct DecodeDesc {
  Shape y;               // n x C x H x W
  int64_t count = 0;     // samples of the set
  int64_t h = 0, w = 0;  // of a stored sample, at least those of y
  bool labels = false;
  bool shuffle = true;
  bool flip = false, vertical_flip = false;
  int64_t shift = 0;
  uint8_t fill = 0;
  double low = -1, high = 1;
  uint64_t seed = 0;

  Shape stored() const { return {count, y.c, h, w}; }
};
// {y, [label: n] | set (u8, stored), [class: count (i32)], first (i64, 1)}

}  // namespace gantry
