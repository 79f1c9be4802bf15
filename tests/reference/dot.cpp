// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/reference_backend.h"

namespace gantry {

Kernels::Made ReferenceKernels::make_sample_dot(const DotDesc& d, DotPass pass) {
  return reference::loop(3, [=](reference::Args a) {
    const int64_t size = d.x.per_sample();
    for (int64_t n = 0; n < d.x.n; ++n) {
      double sum = 0;
      for (int64_t e = n * size; e < (n + 1) * size; ++e) {
        if (pass == DotPass::kBackward) {
          a.real(0)[e] = a.real(1)[n] * a.real(2)[e];
        } else {
          sum += a.real(1)[e] * a.real(2)[e];
        }
      }
      if (pass == DotPass::kForward) a.real(0)[n] = (d.accumulate ? a.real(0)[n] : 0) + sum;
    }
  });
}

}  // namespace gantry
