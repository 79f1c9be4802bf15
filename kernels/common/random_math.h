// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"

namespace gantry {

// a + (b - a) u, kept below b where rounding would reach it.
GANTRY_HOST_DEVICE inline float uniform_between(float a, float b, float u) {
  const float value = a + (b - a) * u;
  return value < b ? value : std::nextafter(b, a);
}

// Share of the noise that is left at `step`.
GANTRY_HOST_DEVICE inline double noise_left(int64_t step, int64_t until) {
  if (until <= 0) return 1;
  const double left = 1 - static_cast<double>(step) / static_cast<double>(until);
  return left > 0 ? left : 0;
}

}  // namespace gantry
