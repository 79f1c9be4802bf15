// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "core/kernel.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// backward_weights as a sum in f64 over parts of the batch, each the f32 result of the kernel that
// `make` gives for so many samples. Thousands of small contributions that are alike (of an L1 loss,
// say) would all be rounded alike where they are added to a large sum one by one; here no sum in
// f32 has more terms than about a thousand pixels, or those of one sample.
std::shared_ptr<Kernel> make_conv2d_weights_by_parts(
    const Conv2dDesc& desc, const std::function<std::shared_ptr<Kernel>(const Conv2dDesc&)>& make);

}  // namespace gantry
