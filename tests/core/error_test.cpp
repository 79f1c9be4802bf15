// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gantry {
namespace {

TEST(Concat, JoinsWhatOperatorsWrite) {
  EXPECT_EQ(concat("step ", 3, ": ", std::string("g.loss"), " = ", 0.25, '.'),
            "step 3: g.loss = 0.25.");
  EXPECT_EQ(concat(), "");
}

TEST(Concat, NanHasNoSign) {
  EXPECT_EQ(concat(std::copysign(NAN, -1.0), " ", std::copysign(NAN, 1.0)), "nan nan");
  EXPECT_EQ(concat(std::copysign(NAN, -1.0f), " ", -INFINITY), "nan -inf");
}

}  // namespace
}  // namespace gantry
