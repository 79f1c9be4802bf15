// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/conv2d_as_dense.h"

namespace gantry {

std::optional<DenseDesc> conv2d_as_dense(const Conv2dDesc& d) {
  if (d.groups != 1 || d.pad_top != 0 || d.pad_left != 0) return {};
  const bool covers = d.y.pixels() == 1 && d.w.h == d.x.h && d.w.w == d.x.w && d.dilation_h == 1 &&
                      d.dilation_w == 1;
  const bool pointwise = d.w.pixels() == 1 && d.x.h == d.y.h && d.x.w == d.y.w;
  if (!covers && !pointwise) return {};
  return DenseDesc{d.y.n * d.y.pixels(), d.w.per_sample(), d.w.n, false, {}, d.accumulate};
}

}  // namespace gantry
