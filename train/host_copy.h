// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "core/device.h"

namespace gantry {

// Real tensors (f32, or f64 on the reference backend; read_reals also bf16 and f16) to and from the
// host. Both wait.
std::vector<double> read_reals(Device& device, Stream& stream, const TensorView& view);
void write_reals(Device& device, Stream& stream, const TensorView& view,
                 std::span<const float> values);

}  // namespace gantry
