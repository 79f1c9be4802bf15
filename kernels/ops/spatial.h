// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/tensor.h"

namespace gantry {

// Up-sampling by an integer factor. Nearest repeats pixels; bilinear takes pixel centres at
// (i + 0.5) / factor - 0.5, clamped to the image (PyTorch align_corners=False).
struct UpsampleDesc {
  enum class Kind : uint8_t { kNearest, kBilinear };
  Shape x;
  int64_t factor = 2;
  Kind kind = Kind::kNearest;
};

// Linear ops: the tangent runs through kForward, so there is no double-backward pass.
enum class LinearPass {
  kForward,   // {y | x}
  kBackward,  // {dx | dy}
};

// Pooling windows of kernel x kernel at `stride`; padding counts as -inf (max) or is left out of
// the mean (average).
struct PoolDesc {
  enum class Kind : uint8_t { kMax, kAverage };
  Kind kind = Kind::kMax;
  Shape x, y;
  int64_t kernel_h = 2, kernel_w = 2;
  int64_t stride_h = 2, stride_w = 2;
  int64_t pad_top = 0, pad_left = 0;
};

enum class PoolPass {
  kForward,   // average: {y | x}; max: {y, index | x}, index: i32, shape of y, h*W + w of the first
              // maximum
  kBackward,  // average: {dx | dy}; max: {dx | dy, index}
  kTangent,   // max only: {uy | ux, index}
};

// y = x with a frame added (positive) or cut off (negative) on each side. Reflect does not repeat
// the edge pixel and needs pad < size.
struct PadDesc {
  enum class Kind : uint8_t { kZero, kReflect };
  Kind kind = Kind::kZero;
  Shape x;
  int64_t top = 0, bottom = 0, left = 0, right = 0;
  Shape y() const { return {x.n, x.c, x.h + top + bottom, x.w + left + right}; }
};

// y = [x1; x2; ...] along the channels, all of one n, h, w.
struct ConcatDesc {
  std::vector<Shape> x;
};
// kForward {y | x1, x2, ...}; kBackward {dx1, dx2, ... | dy}

}  // namespace gantry
