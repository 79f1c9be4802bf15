// SPDX-License-Identifier: Apache-2.0
// The mean of past parameters, and what pulls towards it.
#include <gtest/gtest.h>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

TEST(HistoricalAverageLadder, EveryBackendIsTheReference) {
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
TEST(HistoricalAverageLadder, TheMeanIsOfAllParametersSoFar) {
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

}  // namespace
}  // namespace gantry::ladder
