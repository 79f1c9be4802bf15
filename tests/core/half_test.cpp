// SPDX-License-Identifier: Apache-2.0
#include "core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gantry {
namespace {

// Every pattern of bits is what it says, and comes back from f32; the formulas are IEEE 754's.
TEST(Half, EveryFloat16) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const int exponent = static_cast<int>(bits >> 10 & 0x1fu), fraction = bits & 0x3ff;
    const double sign = bits & 0x8000u ? -1 : 1;
    const float value = to_float(half);
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(to_float(to_float16(value)))) << bits;
      continue;
    }
    double want =
        sign * std::ldexp(fraction + (exponent > 0 ? 1024 : 0), exponent > 0 ? exponent - 25 : -24);
    if (exponent == 31) want = sign * std::numeric_limits<double>::infinity();
    EXPECT_EQ(static_cast<double>(value), want) << bits;
    EXPECT_EQ(to_float16(value).bits, bits);
  }
}

TEST(Half, EveryBFloat16) {
  for (uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float value = to_float(BFloat16{static_cast<uint16_t>(bits)});
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(to_float(to_bfloat16(value))));
    } else {
      EXPECT_EQ(to_bfloat16(value).bits, bits);
    }
  }
}

// Between two neighbours: the nearer one, in the middle the even one. Multiplying by 1 +- 2^-20
// goes to one side of the middle.
TEST(Half, RoundsToTheNearest) {
  for (uint32_t bits = 0; bits < 0x7c00u; ++bits) {
    const float low = to_float(Float16{static_cast<uint16_t>(bits)});
    const float high =
        bits == 0x7bffu ? 65536.0f : to_float(Float16{static_cast<uint16_t>(bits + 1)});
    const float middle = (low + high) / 2;
    EXPECT_EQ(to_float16(middle).bits, bits + (bits & 1u)) << bits;
    EXPECT_EQ(to_float16(middle * (1 - 0x1p-20f)).bits, bits) << bits;
    EXPECT_EQ(to_float16(-middle * (1 + 0x1p-20f)).bits, 0x8000u + bits + 1) << bits;
  }
  for (uint32_t bits = 0; bits < 0x7f7fu; ++bits) {
    const float low = to_float(BFloat16{static_cast<uint16_t>(bits)});
    const float high = to_float(BFloat16{static_cast<uint16_t>(bits + 1)});
    const float middle = low + (high - low) / 2;
    EXPECT_EQ(to_bfloat16(middle).bits, bits + (bits & 1u)) << bits;
    EXPECT_EQ(to_bfloat16(std::nextafter(middle, 0.0f)).bits, bits) << bits;
    EXPECT_EQ(to_bfloat16(-std::nextafter(middle, high)).bits, 0x8000u + bits + 1) << bits;
  }
}

TEST(Half, TooLargeIsInfinite) {
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(to_float16(65519.0f).bits, 0x7bffu);
  EXPECT_TRUE(std::isinf(to_float(to_float16(65520.0f))));
  EXPECT_TRUE(std::isinf(to_float(to_float16(-most))));
  EXPECT_TRUE(std::isinf(to_float(to_bfloat16(most))));
}

}  // namespace
}  // namespace gantry
