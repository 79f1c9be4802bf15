// SPDX-License-Identifier: Apache-2.0
#include "models/layers/window.h"

#include <algorithm>

namespace gantry {

std::string config_shape(const Shape& shape) {
  return concat("[", shape.c, ",", shape.h, ",", shape.w, "]");
}

Windows make_windows(const std::array<int64_t, 2>& kernel, const std::array<int64_t, 2>& stride,
                     const std::array<int64_t, 2>& dilation, const Padding& padding) {
  return {{kernel[0], stride[0], dilation[0], padding.top, padding.bottom, padding.same},
          {kernel[1], stride[1], dilation[1], padding.left, padding.right, padding.same}};
}

int64_t slide(Window& window, int64_t size, const char* axis) {
  if (window.same) {
    const int64_t count = (size + window.stride - 1) / window.stride;
    const int64_t total = std::max<int64_t>((count - 1) * window.stride + window.reach() - size, 0);
    window.before = total / 2;
    window.after = total - total / 2;
    return count;
  }
  const int64_t padded = size + window.before + window.after;
  if (padded < window.reach()) {
    throw ConfigError(concat("its kernel reaches over ", window.reach(), " pixels, but the ", axis,
                             " is ", size, " with padding ", window.before, " + ", window.after,
                             "; use a smaller kernel or more padding"));
  }
  return (padded - window.reach()) / window.stride + 1;
}

}  // namespace gantry
