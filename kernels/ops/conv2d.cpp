// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d.h"

namespace gantry {

double conv2d_flops(const Conv2dDesc& desc) {
  return 2.0 * static_cast<double>(desc.y.elements()) * static_cast<double>(desc.w.per_sample());
}

double dense_flops(const DenseDesc& desc) {
  return 2.0 * static_cast<double>(desc.n) * static_cast<double>(desc.in) *
         static_cast<double>(desc.out);
}

}  // namespace gantry
