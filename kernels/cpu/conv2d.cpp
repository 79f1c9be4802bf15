// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/direct_conv2d.h"
#include "kernels/cpu/dnnl_conv2d.h"
#include "kernels/cpu/with_activation.h"

namespace gantry {

CpuKernels::Made CpuKernels::make_conv2d(const Conv2dDesc& desc, Conv2dPass pass) {
  if (!piecewise_linear(desc.activation.kind) && pass != Conv2dPass::kBackwardWeights) {
    Conv2dDesc linear = desc;
    linear.activation = {};
    const Shape& out = pass == Conv2dPass::kForward ? desc.y : desc.x;
    return std::make_shared<WithActivation>(
        make_conv2d(linear, pass), activation({out, desc.activation}, ActivationPass::kForward));
  }
  if (auto kernel = make_dnnl_conv2d(device_, desc, pass, DnnlLayout::kStored)) return kernel;
  return make_direct_conv2d(desc, pass);
}

}  // namespace gantry
