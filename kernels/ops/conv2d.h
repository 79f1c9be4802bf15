// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"
#include "kernels/ops/activation.h"

namespace gantry {

// Cross-correlation, as every framework means it by "convolution":
//   y[n,o,i,j] = b[o] + sum_{c,p,q} w[o,c,p,q] x[n, g C/G + c, i s - pad + p d, j s - pad + q d]
// over zero-padded x. x: n x C x H x W, y: n x O x H' x W', w: O x C/G x kh x kw, b: 1 x O.
// H' is free to be anything that uses only padding up to (top, bottom) and leaves fewer than
// `stride` rows unread.
//
// The transposed convolution from y's shape to x's is backward_data of this op, with the same
// descriptor; its weight gradient is backward_weights with x and dy exchanged in their roles.
// (So PyTorch's ConvTranspose2d weight, in x out/G x kh x kw, is this op's w: O x C/G x kh x kw.)
struct Conv2dDesc {
  Shape x, w, y;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_top = 0, pad_left = 0;  // bottom and right follow from the shapes
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
  bool bias = false;        // forward and backward_data: add b to the output
  Activation activation{};  // forward and backward_data: applied to the output, after the bias
  bool accumulate = false;  // backward_weights: dw += instead of dw =
};

enum class Conv2dPass {
  kForward,          // {y | x, w, [b: 1 x O]}
  kBackwardData,     // {dx | dy, w, [b: 1 x C]}
  kBackwardWeights,  // {dw | x, dy}; with accumulate dw is an in-out
};

// 2 x multiply-adds that touch real (unpadded) data are not told apart from those on padding.
double conv2d_flops(const Conv2dDesc& desc);

// y = x w^T + b. x: n x in, w: out x in, b: 1 x out, y: n x out.
struct DenseDesc {
  int64_t n = 0, in = 0, out = 0;
  bool bias = false;
  Activation activation{};  // forward only
  bool accumulate = false;  // backward_weights only
};

enum class DensePass {
  kForward,          // {y | x, w, [b]}
  kBackwardData,     // {dx | dy, w}
  kBackwardWeights,  // {dw | x, dy}; with accumulate dw is an in-out
};

double dense_flops(const DenseDesc& desc);

// db[c] = sum over samples and pixels of dy. {db | dy}; with accumulate db is an in-out.
struct BiasGradDesc {
  Shape dy;
  bool accumulate = false;
};

// y = x + b per channel, for layers that cannot fuse it. {y | x, b}; y may be x.
struct BiasAddDesc {
  Shape x;
};

}  // namespace gantry
