// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "kernels/ops/conv2d.h"

namespace gantry {

// The matrix product that a convolution is when its filters cover the whole input (1 x 1 output) or
// are 1 x 1 themselves: x as n x in, w as out x in, y as n x out, all where they lie in memory.
// Bias and activation are left to the caller.
std::optional<DenseDesc> conv2d_as_dense(const Conv2dDesc& desc);

}  // namespace gantry
