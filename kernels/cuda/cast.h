// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.h"
#include "core/tensor.h"
#include "kernels/ops/cast.h"

namespace gantry::cuda {

// y = the numbers of x in the type of y. scale: null where the descriptor has none.
void launch_cast(Stream& stream, const CastDesc& desc, const TensorView& y, const TensorView& x,
                 const float* scale);

}  // namespace gantry::cuda
