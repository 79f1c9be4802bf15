// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/pack_grid.cuh"

namespace gantry::cuda {

// Linear maps of images that work along each axis by itself. An axis lists, for every place o of
// the output, the places of the input that it takes something from, in a fixed order: taps(o) of
// them, tap(o, k) the k-th, of weight 0 where it is none. Forward and backward both gather.
struct Tap {
  int source;
  float weight;
};

struct NearestForward {
  int factor;
  __device__ int taps(int) const { return 1; }
  __device__ Tap tap(int o, int) const { return {o / factor, 1}; }
};
struct NearestBackward {
  int factor;
  __device__ int taps(int) const { return factor; }
  __device__ Tap tap(int o, int k) const { return {o * factor + k, 1}; }
};

// Output o lies at (2 o + 1 - factor) / (2 factor), clamped to the image.
struct BilinearForward {
  int factor, size;
  __device__ int taps(int) const { return 2; }
  __device__ Tap tap(int o, int k) const {
    int place = 2 * o + 1 - factor;
    if (place < 0) place = 0;
    int low = place / (2 * factor), rest = place - low * 2 * factor;
    if (low >= size - 1) {
      low = size - 1;
      rest = 0;
    }
    const float share = static_cast<float>(rest) / static_cast<float>(2 * factor);
    return {low + k, k == 0 ? 1 - share : share};
  }
};
struct BilinearBackward {
  int factor, size;
  // Outputs less than one pixel away, and those clamped to the first or last pixel.
  __device__ int taps(int) const { return 2 * factor + 1; }
  __device__ Tap tap(int o, int k) const {
    const int output = o * factor - (factor + 1) / 2 + k;
    if (output < 0 || output >= size * factor) return {0, 0};
    const Tap low = BilinearForward{factor, size}.tap(output, 0);
    if (low.source == o) return {output, low.weight};
    return {output, low.source + 1 == o ? 1 - low.weight : 0};
  }
};

struct PadForward {
  int before, size;
  bool reflect;
  __device__ int taps(int) const { return 1; }
  __device__ Tap tap(int o, int) const {
    int source = o - before;
    if (reflect && source < 0) source = -source;
    if (reflect && source >= size) source = 2 * (size - 1) - source;
    return {source, source >= 0 && source < size ? 1.0f : 0.0f};
  }
};
// A pixel, mirrored at the first edge, itself, and mirrored at the last.
struct PadBackward {
  int before, size, padded;
  bool reflect;
  __device__ int taps(int) const { return 3; }
  __device__ Tap tap(int o, int k) const {
    const bool mirrored = k != 1;
    const int from = k == 0 ? -o : k == 1 ? o : 2 * (size - 1) - o;
    // The edges themselves are not repeated.
    const bool twice = k == 0 ? o == 0 : k == 2 && o == size - 1;
    const int source = from + before;
    const bool there = source >= 0 && source < padded && !twice && (reflect || !mirrored);
    return {source, there ? 1.0f : 0.0f};
  }
};

// A thread per pack of channels of the output.
template <int kWidth, typename Axis, typename T>
__global__ void __launch_bounds__(256, 4)
    resample_kernel(PackGrid grid, T* out, const T* in, Extents from, Axis vertical,
                    Axis horizontal) {
  for (int64_t item = thread_in_grid(); item < grid.items(); item += threads_in_grid()) {
    const PackPlace at = grid.place(item);
    Pack<float, kWidth> sum{};
    for (int v = 0; v < vertical.taps(at.h); ++v) {
      const Tap row = vertical.tap(at.h, v);
      if (row.weight == 0) continue;
      for (int h = 0; h < horizontal.taps(at.w); ++h) {
        const Tap column = horizontal.tap(at.w, h);
        const float weight = row.weight * column.weight;
        if (weight == 0) continue;
        const auto x = load<kWidth>(in + from.offset(at.n, row.source, column.source, at.c));
        for (int j = 0; j < kWidth; ++j) sum.v[j] += weight * x.v[j];
      }
    }
    store<kWidth>(out + item * kWidth, sum);
  }
}

// Up to kMost tensors of as many pixels, beside each other along the channels of one.
template <typename T>
struct ConcatParts {
  static constexpr int kMost = 8;
  T* part[kMost];
  int channels[kMost];
  int first[kMost];  // channel of the whole
};

// Block row y copies part y. Copied in packs: every number of channels is a multiple of kWidth.
template <int kWidth, bool kForward, typename T>
__global__ void __launch_bounds__(256)
    concat_kernel(ConcatParts<T> parts, T* whole, int64_t pixels, int channels) {
  const unsigned part = blockIdx.y;
  T* const memory = parts.part[part];
  const int64_t in_row = parts.channels[part] / kWidth, size = pixels * in_row;
  // Pixel and pack move on by a fixed stride: divided once.
  const int64_t stride_pixels = threads_in_grid() / in_row;
  const int64_t stride_packs = threads_in_grid() % in_row;
  int64_t pixel = thread_in_grid() / in_row, pack = thread_in_grid() % in_row;
  for (int64_t i = thread_in_grid(); i < size; i += threads_in_grid()) {
    T* const inner = memory + i * kWidth;
    T* const outer = whole + pixel * channels + parts.first[part] + pack * kWidth;
    store<kWidth>(kForward ? outer : inner, load<kWidth>(kForward ? inner : outer));
    pixel += stride_pixels;
    pack += stride_packs;
    if (pack >= in_row) {
      pack -= in_row;
      ++pixel;
    }
  }
}

}  // namespace gantry::cuda
