// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// The numbers of x in the type of y (f32, bf16, f16), rounded to the nearest, ties to even; before
// that, multiplied or divided in f32 by a number in memory.
// {y | x}, or with a scale {y | x, scale (f32, 1)}. y may be x where both have one type.
struct CastDesc {
  enum class Scale : uint8_t { kNone, kTimes, kOver };
  int64_t size = 0;
  Scale scale = Scale::kNone;
};

}  // namespace gantry
