// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/ops/conv2d.h"

namespace gantry {

// A convolution cut into tiles for Winograd's minimal filtering (Winograd 1980; for convolutional
// networks Lavin and Gray, CVPR 2016). With stride s it is first the sum of s x s convolutions of
// stride 1, one for each residue of the input position (a phase), which become input channels; each
// has r x r taps, r = ceil(kernel / s). An output tile of m x n then costs (m + r - 1)(n + r - 1)
// products instead of m n r^2, 16 instead of 36 for the largest: with A, B, G for the points 0, 1,
// -1 (if needed) and infinity
//   Y = A^T [(G w G^T) . (B^T X B)] A
// where "." multiplies element by element and sums over input channels: for each element a matrix
// product over all tiles, which is left to the caller. The functions here are the linear maps
// around it and their adjoints; with these the three passes are
//   forward           y  = output(input(x) filter(w)^T)
//   backward_data     dx = input_adjoint(output_adjoint(dy) filter(w))
//   backward_weights  dw = filter_adjoint(output_adjoint(dy)^T input(x))
// Sides are 2 or 3 for two taps, 2 for three: larger tiles would save little more, need points
// whose powers do not stay within 1, and in f32 err up to two and a half times as much as the plain
// sum. An instance has the tiles of one size, which fill a rectangle of the output; the passes of a
// convolution are the sums over the instances of `cover`.
//
// Tiles, filters and their products are planes of matrices, row-major or, for what is to be the
// right factor of a TileProduct, in panels of 16 columns. A plane is a little longer than its
// matrix, so that elements of different planes do not compete for one set of a cache.
class WinogradTiles {
 public:
  enum class Order { kRows, kPanels };
  static int64_t plane(int64_t rows, int64_t columns) { return rows * columns + 16; }

  // What covers the output; nothing where the geometry does not fit. It must have square kernels
  // with 2 or 3 taps per phase, stride 1 or 2 alike in both directions, no dilation, no groups,
  // channels in multiples of 16.
  static std::vector<WinogradTiles> cover(const Conv2dDesc& desc, int threads);

  int64_t planes() const { return side_h() * side_w(); }
  int64_t per_sample() const { return tiles_h_ * tiles_w_; }
  int64_t depth() const { return phases() * d_.x.c; }

  // v: tiles of `samples` x depth, of x: samples x H x W x C. The adjoint adds to x.
  void input(const float* x, int64_t samples, Order order, float* v) const;
  void input_adjoint(const float* v, int64_t samples, float* x) const;
  // m: tiles of `samples` x O, to the rectangle of y: samples x H' x W' x O.
  void output(const float* m, int64_t samples, float* y) const;
  void output_adjoint(const float* y, int64_t samples, float* m) const;
  // u: O x depth, of w: O x kh x kw x C; in panels, of the transpose, or by rows.
  void filter(const float* w, float* u) const;
  void filter_transposed(const float* w, float* u) const;
  void filter_adjoint(const float* u, bool accumulate, float* w) const;

 private:
  // `count` tiles of one side, one behind the other from `first` on.
  struct Row {
    int64_t first, count, size;
  };
  static std::vector<Row> rows(int64_t length, int64_t taps);
  WinogradTiles(const Conv2dDesc& desc, const Row& down, const Row& across, int threads);

  // Where the elements of a tile, or the taps of a phase, lie relative to their sample or filter;
  // -1: there is no such element.
  using Window = std::array<int64_t, 16>;
  Window input_window(int64_t tile, int64_t phase) const;
  Window output_window(int64_t tile) const;
  Window taps_of(int64_t phase) const;

  int64_t phases() const { return d_.stride_h * d_.stride_h; }
  int64_t side_h() const { return size_h_ + taps_ - 1; }
  int64_t side_w() const { return size_w_ + taps_ - 1; }

  // Calls body(Sizes<taps, m, n>{}).
  template <typename Body>
  void visit(const Body& body) const;

  Conv2dDesc d_;
  int threads_;
  int64_t taps_;  // of a phase's kernel, in each direction
  int64_t top_, left_, tiles_h_, tiles_w_, size_h_, size_w_;
};

}  // namespace gantry
