// SPDX-License-Identifier: Apache-2.0
// Minibatch discrimination of a batch that ranks share: all passes of a rank, the second order
// included, give its part of what one computes of the whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "kernels/cluster/thread_communicator.h"
#include "tests/models/network_rig.h"
#include "tests/reference/reference_backend.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

constexpr int64_t kWidth = 5;
constexpr int64_t kGroups = 2;  // as real and generated samples, each compared among themselves
constexpr int64_t kInGroup = 12;

// Curved before and behind the layer, so that h reaches it and what it makes of h is used.
const std::string kNetwork = R"({"layers": [{"type": "dense", "units": 6}, {"type": "tanh"},
    {"type": "minibatch_discrimination", "features": 4, "dimensions": 3},
    {"type": "dense", "units": 4}, {"type": "sigmoid"}]})";

struct Passes {
  NetworkRig::FirstOrder first;
  NetworkRig::SecondOrder second;
};

struct Given {
  Vec x, dy, ux;
};

// Of each group the rank's part, all ranks' parts being equal.
Vec part_of(const Vec& all, int rank, int ranks) {
  const auto group = static_cast<ptrdiff_t>(all.size()) / kGroups, part = group / ranks;
  Vec mine;
  for (ptrdiff_t first = rank * part; first < std::ssize(all); first += group) {
    mine.insert(mine.end(), all.begin() + first, all.begin() + first + part);
  }
  return mine;
}

Passes passes_of(const Given& given, Communicator* ranks) {
  Backend backend = open_reference_backend();
  ForwardOptions options;
  options.batch_groups = kGroups;
  options.track = false;
  const auto samples = static_cast<int64_t>(given.x.size()) / kWidth;
  NetworkRig rig(backend, kNetwork, {{"x", {1, kWidth, 1, 1}}}, samples, options);
  if (ranks) rig.share(*ranks);
  return {rig.first_order({given.x}, {given.dy}),
          rig.second_order({given.x}, {given.dy}, {given.ux})};
}

std::vector<Passes> on_ranks(int count, const Given& whole) {
  const auto communicators = thread_communicators(count);
  std::vector<Passes> all(static_cast<size_t>(count));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      const Given mine{part_of(whole.x, rank, count), part_of(whole.dy, rank, count),
                       part_of(whole.ux, rank, count)};
      const auto place = static_cast<size_t>(rank);
      all[place] = passes_of(mine, communicators[place].get());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return all;
}

Vec added(Vec a, const Vec& b) {
  for (size_t i = 0; i < b.size(); ++i) a[i] += b[i];
  return a;
}

TEST(SharedBatch, PartsOfRanksAreThoseOfTheWhole) {
  const int64_t n = kGroups * kInGroup;
  const Given given{random_values(n * kWidth, 1), random_values(n * 4, 2),
                    random_values(n * kWidth, 3)};
  const Passes whole = passes_of(given, nullptr);
  for (const int ranks : {2, 3}) {
    const std::vector<Passes> parts = on_ranks(ranks, given);
    Vec dw(whole.first.dw.size()), dw_of_tangent = dw;
    double worst = 0;
    const auto compare = [&](const Vec& got, const Vec& expected) {
      worst = std::max(worst, relative_error(got, expected));
    };
    for (int rank = 0; rank < ranks; ++rank) {
      const auto& [first, second] = parts[static_cast<size_t>(rank)];
      compare(first.y[0], part_of(whole.first.y[0], rank, ranks));
      compare(first.dx[0], part_of(whole.first.dx[0], rank, ranks));
      compare(second.uy[0], part_of(whole.second.uy[0], rank, ranks));
      dw = added(std::move(dw), first.dw);
      dw_of_tangent = added(std::move(dw_of_tangent), second.dw);
    }
    compare(dw, whole.first.dw);
    compare(dw_of_tangent, whole.second.dw);
    std::printf("%d ranks: within %.1e\n", ranks, worst);
    EXPECT_LE(worst, kSharedBatchF64) << ranks;
  }
}

}  // namespace
}  // namespace gantry::testing
