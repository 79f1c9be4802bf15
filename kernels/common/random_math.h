// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"

namespace gantry {

// The draws of elements 4 quad .. 4 quad + 3 of one sample: see kernels/ops/elementwise.h.
struct RandomQuad {
  PhiloxBlock words;

  GANTRY_HOST_DEVICE RandomQuad(RandomKey key, int64_t step, uint32_t sample, int64_t quad)
      : words(random_block(key, static_cast<uint64_t>(step), sample, static_cast<uint32_t>(quad))) {
  }

  GANTRY_HOST_DEVICE float uniform(int i) const { return uniform01(words.v[i]); }
  GANTRY_HOST_DEVICE void normals(float* four) const {
    normal_pair(words.v[0], words.v[1], four, four + 1);
    normal_pair(words.v[2], words.v[3], four + 2, four + 3);
  }
};

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
