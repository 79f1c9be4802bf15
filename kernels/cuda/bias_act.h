// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.h"
#include "core/tensor.h"
#include "kernels/ops/activation.h"

namespace gantry::cuda {

// y = f(x + b) over n, h, w, c memory; y and x of one type. b: one per channel, or null; y may be
// x.
void launch_bias_act(Stream& stream, const TensorView& y, const TensorView& x, const float* b,
                     int64_t channels, const Activation& activation);

}  // namespace gantry::cuda
