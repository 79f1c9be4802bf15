// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/divisor.cuh"

#include <gtest/gtest.h>

#include <vector>

namespace gantry::cuda {
namespace {

TEST(Divisor, DividesAsTheProcessorDoes) {
  std::vector<int64_t> interesting;
  for (int shift = 0; shift < 62; ++shift)
    for (const int64_t off : {-1, 0, 1}) interesting.push_back((int64_t{1} << shift) + off);
  for (int64_t divisor : {3, 7, 10, 12, 641, 784, 4096 * 3, 1'000'003, 2'147'483'647})
    interesting.push_back(divisor);
  for (const int64_t by : interesting) {
    if (by < 1) continue;
    const Divisor divisor(by);
    std::vector<int64_t> dividends = interesting;
    // Where the quotient changes.
    for (const int64_t times : {int64_t{0}, int64_t{1}, (int64_t{1} << 61) / by})
      for (const int64_t off : {-1, 0, 1}) dividends.push_back(times * by + off);
    for (const int64_t x : dividends) {
      if (x < 0) continue;
      ASSERT_EQ(divisor.divide(x), x / by) << x << " / " << by;
      int64_t quotient = x;
      ASSERT_EQ(divisor.split(quotient), x % by);
      ASSERT_EQ(quotient, x / by);
    }
  }
}

}  // namespace
}  // namespace gantry::cuda
