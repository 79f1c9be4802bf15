// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// The inner product of two tensors, sample by sample:
//   y[n] = sum over e of a[n,e] b[n,e].  a, b: x;  y: n x 1.
// Bilinear: tangents and second derivatives are made of the same two passes.
struct DotDesc {
  Shape x;
  bool accumulate = false;  // forward: y +=
};

enum class DotPass {
  kForward,   // {y | a, b}; with accumulate y is an in-out
  kBackward,  // {da | dy: n x 1, b}  da[n,e] = dy[n] b[n,e]; da may be b
};

}  // namespace gantry
