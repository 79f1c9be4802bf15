// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/cpu/cpu_device.h"
#include "kernels/ops/conv2d.h"

namespace gantry {

// In which layout a oneDNN convolution sees its activations: as they are stored, or in the
// blocked layout of its own choice, with copies in scratch.
enum class DnnlLayout { kStored, kChosen };

// A pass as a oneDNN convolution; null where the library has no implementation but its reference
// loop. The activation is a post-op in the forward pass and a pass of its own after backward_data,
// where the library takes neither bias nor post-ops.
std::shared_ptr<Kernel> make_dnnl_conv2d(const CpuDevice& device, const Conv2dDesc& desc,
                                         Conv2dPass pass, DnnlLayout layout);

}  // namespace gantry
