// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.h"
#include "kernels/ops/activation.h"

namespace gantry::cuda {

// y = f(x + b) over n, h, w, c memory of `size` elements. b: one per channel, or null; y may be x.
void launch_bias_act(Stream& stream, float* y, const float* x, const float* b, int64_t size,
                     int64_t channels, const Activation& activation);

}  // namespace gantry::cuda
