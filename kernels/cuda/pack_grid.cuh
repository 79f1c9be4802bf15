// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/divisor.cuh"

namespace gantry::cuda {

// Where a pack of neighbouring channels lies in n, h, w, c memory.
struct PackPlace {
  int64_t n;
  int h, w, c;
};

// The packs of a tensor in the order of memory, for kernels with a thread per pack: pack `item`
// begins at element item * width.
class PackGrid {
 public:
  PackGrid(const Shape& s, int width)
      : packs_(s.c / width),
        w_(s.w),
        h_(s.h),
        width_(width),
        items_(s.n * s.h * s.w * (s.c / width)) {}

  GANTRY_HOST_DEVICE int64_t items() const { return items_; }
  __device__ PackPlace place(int64_t item) const {
    PackPlace place;
    place.c = static_cast<int>(packs_.split(item)) * width_;
    place.w = static_cast<int>(w_.split(item));
    place.h = static_cast<int>(h_.split(item));
    place.n = item;
    return place;
  }

 private:
  Divisor packs_, w_, h_;
  int width_;
  int64_t items_;
};

// Extents of a tensor in n, h, w, c memory.
struct Extents {
  int h, w, c;
  explicit Extents(const Shape& s)
      : h(static_cast<int>(s.h)), w(static_cast<int>(s.w)), c(static_cast<int>(s.c)) {}
  __device__ int64_t offset(int64_t n, int row, int column, int channel) const {
    return ((n * h + row) * w + column) * c + channel;
  }
};

}  // namespace gantry::cuda
