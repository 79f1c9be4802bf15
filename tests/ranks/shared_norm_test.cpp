// SPDX-License-Identifier: Apache-2.0
#include "tests/ranks/shared_norm.h"

#include <gtest/gtest.h>

#include "tests/ranks/team.h"

namespace gantry {
namespace {

TEST(SharedNorm, PartsOfRanksAreThoseOfTheWhole) {
  expect_parts_of_the_whole([](int ranks, const auto& work) {
    on_ranks(ranks, [&](int rank, Communicator& communicator) {
      work(rank, open_backend(BackendChoice::kCpu, 1), communicator);
    });
  });
}

}  // namespace
}  // namespace gantry
