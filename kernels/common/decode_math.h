// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/shuffle.h"
#include "kernels/ops/decode.h"

namespace gantry {

// Where a sample of a stream is in its set and how it is seen: kernels/ops/decode.h.
struct SampleView {
  int64_t index;
  int64_t top, left;  // of the window, shift taken off
  bool flip, vertical_flip;
};

GANTRY_HOST_DEVICE inline int64_t uniform_integer(uint32_t word, int64_t count) {
  return static_cast<int64_t>(static_cast<uint64_t>(word) * static_cast<uint64_t>(count) >> 32);
}

GANTRY_HOST_DEVICE inline SampleView sample_view(const DecodeDesc& d, const Shuffle& shuffle,
                                                 uint64_t g) {
  const uint64_t count = static_cast<uint64_t>(d.count), epoch = g / count;
  const int64_t position = static_cast<int64_t>(g - epoch * count);
  const RandomKey key = random_key(d.seed, Purpose::kAugment);
  const PhiloxBlock mirror = random_block(key, g, 0, 0), place = random_block(key, g, 0, 1);
  SampleView view;
  view.index = d.shuffle ? shuffle.place(epoch, position) : position;
  view.flip = d.flip && (mirror.v[0] & 1u) != 0;
  view.vertical_flip = d.vertical_flip && (mirror.v[1] & 1u) != 0;
  const int64_t down = uniform_integer(place.v[0], 2 * d.shift + 1) - d.shift;
  const int64_t across = uniform_integer(place.v[1], 2 * d.shift + 1) - d.shift;
  view.top = uniform_integer(place.v[2], d.h - d.y.h + 1) - down;
  view.left = uniform_integer(place.v[3], d.w - d.y.w + 1) - across;
  return view;
}

// The stored pixel, row w' + column, that a pixel of the batch shows; -1: none.
GANTRY_HOST_DEVICE inline int64_t shown_pixel(const DecodeDesc& d, const SampleView& view,
                                              int64_t h, int64_t w) {
  int64_t row = h + view.top, column = w + view.left;
  if (row < 0 || column < 0 || row >= d.h || column >= d.w) return -1;
  if (view.vertical_flip) row = d.h - 1 - row;
  if (view.flip) column = d.w - 1 - column;
  return row * d.w + column;
}

GANTRY_HOST_DEVICE inline float decoded(const DecodeDesc& d, int byte) {
  return static_cast<float>(d.low + (d.high - d.low) * static_cast<double>(byte) / 255.0);
}

}  // namespace gantry
