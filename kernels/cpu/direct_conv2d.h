// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// A pass as plain loops over the definition, for geometries that no library kernel takes.
// Slow and without limits; the activation must be piecewise linear.
std::shared_ptr<Kernel> make_direct_conv2d(const Conv2dDesc& desc, Conv2dPass pass);

}  // namespace gantry
