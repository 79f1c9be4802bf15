// SPDX-License-Identifier: Apache-2.0
// Ops that remember: the mean of past parameters, and what a first step saw.
#include <gtest/gtest.h>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

TEST(KeptLadder, HistoricalAveragingIsTheReference) {
  for (const int64_t size : {1, 100, 40'000}) {
    for (const int64_t t : {0, 1, 999}) {
      const Shape shape = vector_shape(size);
      const HistoricalAverageDesc d{size, 0.25};
      check_parity({"historical_average",
                    concat(size, " at ", t),
                    [d](Kernels& k) { return k.historical_average(d); },
                    {inout(shape, Sampler(1).normal(shape)), inout(shape, Sampler(2).normal(shape)),
                     in(shape, Sampler(3).normal(shape)), counter(t)},
                    {}});
    }
  }
}

// Parameters 1, 2, 6: means 1, 1.5, 3, gradients 2 w (p - mean).
TEST(KeptLadder, TheMeanIsOfAllParametersSoFar) {
  const HistoricalAverageDesc d{1, 0.5};
  const Shape one = vector_shape(1);
  double mean = 777;  // nothing was there before the first update
  const double parameters[] = {1, 2, 6}, means[] = {1, 1.5, 3};
  for (int64_t t = 0; t < 3; ++t) {
    const std::vector<Vec> got =
        run(reference_backend(), [d](Kernels& k) { return k.historical_average(d); },
            {inout(one, {10}), inout(one, {mean}), scalar(parameters[t]), counter(t)});
    mean = got[1][0];
    EXPECT_DOUBLE_EQ(mean, means[t]);
    EXPECT_DOUBLE_EQ(got[0][0], 10 + parameters[t] - mean);
  }
}

TEST(KeptLadder, TheFirstStepIsLatched) {
  const LatchDesc d{{3, 2, 2, 1}};
  for (const int64_t step : {0, 1, 5}) {
    check_parity(
        {"latch",
         concat("step ", step),
         [d](Kernels& k) { return k.latch(d); },
         {inout(d.x, Sampler(4).normal(d.x)), in(d.x, Sampler(5).normal(d.x)), counter(step)},
         {}});
  }
  const auto kept = [d](int64_t step) {
    return run(reference_backend(), [d](Kernels& k) { return k.latch(d); },
               {inout(d.x, Vec(12, 1.0)), in(d.x, Vec(12, 2.0)), counter(step)})[0];
  };
  EXPECT_EQ(kept(0), Vec(12, 2.0));
  EXPECT_EQ(kept(1), Vec(12, 1.0));
}

}  // namespace
}  // namespace gantry::ladder
