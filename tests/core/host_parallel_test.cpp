// SPDX-License-Identifier: Apache-2.0
#include "core/host_parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace gantry {
namespace {

TEST(HostParallel, EveryPieceIsDoneOnce) {
  for (const size_t count : {0, 1, 2, 3, 1000}) {
    std::vector<std::atomic<int>> done(count);
    host_parallel(count, [&](size_t i) { ++done[i]; });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(done[i], 1) << i << " of " << count;
  }
}

TEST(HostParallel, AnExceptionComesOutAndTheRestIsLeft) {
  std::atomic<int> done = 0;
  const auto work = [&](size_t i) {
    if (i == 5) throw std::runtime_error("piece 5");
    ++done;
  };
  EXPECT_THROW(host_parallel(1000000, work), std::runtime_error);
  EXPECT_LT(done, 999999);
}

}  // namespace
}  // namespace gantry
