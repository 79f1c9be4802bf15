// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace gantry::ladder {

using Vec = std::vector<double>;

// Seeded draws, rounded to f32 so that every backend is given the same numbers.
class Sampler {
 public:
  explicit Sampler(uint32_t seed) : seed_(seed) {}
  Vec normal(const Shape& shape, double mean = 0, double deviation = 1);
  Vec uniform(const Shape& shape, double low, double high);
  // Normal, but no |value| below gap: for functions with a kink at zero.
  Vec off_zero(const Shape& shape, double gap = 0.05);
  // All different, by at least 0.01: for maxima.
  Vec distinct(const Shape& shape);
  // Integers 0 .. classes - 1.
  Vec categories(int64_t count, int64_t classes);

 private:
  uint32_t seed_, draws_ = 0;
};

Vec rounded(Vec values);  // to f32 and back

}  // namespace gantry::ladder
