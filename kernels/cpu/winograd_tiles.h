// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "kernels/ops/conv2d.h"

namespace gantry {

// A convolution cut into tiles for Winograd's minimal filtering (Winograd 1980; for convolutional
// networks Lavin and Gray, CVPR 2016). With stride s it is first the sum of s x s convolutions of
// stride 1, one for each residue of the input position (a phase), which become input channels; each
// has r x r taps, r = ceil(kernel / s). An output tile of m x m, m = 6 - r, then costs 25 products
// instead of m^2 r^2: with A, B, G for the points 0, 1, -2, -1/2 and infinity
//   Y = A^T [(G w G^T) . (B^T X B)] A
// where "." multiplies element by element and sums over input channels: for each of the 25 elements
// a matrix product over all tiles, which is left to the caller. The functions here are the linear
// maps around it and their adjoints; with these the three passes are
//   forward           y  = output(input(x) filter(w)^T)
//   backward_data     dx = input_adjoint(output_adjoint(dy) filter(w))
//   backward_weights  dw = filter_adjoint(output_adjoint(dy)^T input(x))
// These points, tried among others, are the ones with which all passes err least in f32: one to two
// and a half times as much as the plain sum.
//
// Tiles, filters and their products are 25 planes of matrices, row-major or, for what is to be the
// right factor of a TileProduct, in panels of 16 columns. A plane is a little longer than its
// matrix, so that elements of different planes do not compete for one set of a cache.
class WinogradTiles {
 public:
  enum class Order { kRows, kPanels };
  static constexpr int64_t kPlanes = 25;
  static int64_t plane(int64_t rows, int64_t columns) { return rows * columns + 16; }

  // Square kernels with 2 or 3 taps per phase, stride 1 or 2 alike in both directions, no dilation,
  // no groups, channels in multiples of 16.
  static bool fits(const Conv2dDesc& desc);

  WinogradTiles(const Conv2dDesc& desc, int threads);

  int64_t per_sample() const { return tiles_h_ * tiles_w_; }
  int64_t depth() const { return phases() * d_.x.c; }

  // v: tiles of `samples` x depth, of x: samples x H x W x C.
  void input(const float* x, int64_t samples, Order order, float* v) const;
  void input_adjoint(const float* v, int64_t samples, float* x) const;
  // m: tiles of `samples` x O, to y: samples x H' x W' x O.
  void output(const float* m, int64_t samples, float* y) const;
  void output_adjoint(const float* y, int64_t samples, float* m) const;
  // u: O x depth, of w: O x kh x kw x C; in panels, of the transpose, or by rows.
  void filter(const float* w, float* u) const;
  void filter_transposed(const float* w, float* u) const;
  void filter_adjoint(const float* u, bool accumulate, float* w) const;

 private:
  // Where the elements of a tile lie relative to their sample; -1: outside.
  using Window = std::array<int64_t, kPlanes>;
  Window input_window(int64_t tile, int64_t phase) const;
  Window output_window(int64_t tile) const;
  // Where the taps of a phase lie relative to their filter; -1: the kernel has no such tap.
  Window taps_of(int64_t phase) const;
  void zero_phase(int64_t phase, int64_t first, int64_t count, float* sample) const;
  int64_t phases() const { return d_.stride_h * d_.stride_h; }

  template <int kTaps>
  void output_of(const float* m, int64_t samples, float* y) const;
  template <int kTaps>
  void output_adjoint_of(const float* y, int64_t samples, float* m) const;
  template <int kTaps>
  void filter_of(const float* w, float* u) const;
  template <int kTaps>
  void filter_transposed_of(const float* w, float* u) const;
  template <int kTaps>
  void filter_adjoint_of(const float* u, bool accumulate, float* w) const;

  Conv2dDesc d_;
  int threads_;
  int64_t taps_, size_;  // of a phase's kernel; of an output tile
  int64_t tiles_h_, tiles_w_;
};

}  // namespace gantry
