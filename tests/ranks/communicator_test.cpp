// SPDX-License-Identifier: Apache-2.0
#include "kernels/communicator.h"

#include <gtest/gtest.h>

#include <chrono>

#include "kernels/cluster/thread_communicator.h"
#include "tests/ranks/sums.h"
#include "tests/ranks/team.h"

namespace gantry {
namespace {

template <typename Real>
void check_sums(int ranks, int64_t size, double scale) {
  std::vector<std::vector<Real>> operands;
  for (int rank = 0; rank < ranks; ++rank) operands.push_back(operand<Real>(rank, size));
  const std::vector<Real> want = paired_sum(operands, static_cast<Real>(scale));
  auto communicators = thread_communicators(ranks);
  std::vector<std::vector<Real>> got(operands.size());
  on_threads(ranks, [&](int rank) {
    const auto i = static_cast<size_t>(rank);
    got[i] = reduced(*communicators[i], operands[i], scale);
  });
  for (int rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(got[static_cast<size_t>(rank)], want)
        << size << " elements, rank " << rank << " of " << ranks;
  }
}

TEST(AllReduce, AddsAlongTheBalancedTreeOnEveryRank) {
  for (const int ranks : {1, 2, 3, 4, 5, 6, 8}) {
    for (const int64_t size : {1, 15, 16, 100, 4097}) {
      check_sums<float>(ranks, size, 1);
      check_sums<double>(ranks, size, 0.3);
    }
  }
}

TEST(AllReduce, OfOneRankScales) {
  NullCommunicator alone;
  EXPECT_EQ(reduced<float>(alone, {1, 2, 3}, 0.5), (std::vector<float>{0.5f, 1, 1.5f}));
}

TEST(AllReduce, RefusesWhatIsNoRealNumber) {
  NullCommunicator alone;
  EXPECT_THROW(alone.all_reduce({4, DType::kI64, 1, "steps"}), std::logic_error);
  EXPECT_THROW(alone.all_reduce({0, DType::kF32, 1, "nothing"}), std::logic_error);
}

TEST(ThreadCommunicator, BroadcastsFromAnyRank) {
  auto communicators = thread_communicators(3);
  for (int root = 0; root < 3; ++root) {
    on_threads(3, [&](int rank) {
      std::vector<int> data(100, rank);
      communicators[static_cast<size_t>(rank)]->broadcast(data.data(), data.size() * sizeof(int),
                                                          root);
      EXPECT_EQ(data, std::vector<int>(100, root));
    });
  }
}

TEST(ThreadCommunicator, NamesTheRanksThatDoNotComeInTime) {
  auto communicators = thread_communicators(4);
  for (auto& one : communicators) one->set_timeout(0.2);
  std::vector<std::string> said(4);
  const auto start = std::chrono::steady_clock::now();
  on_threads(4, [&](int rank) {
    if (rank == 1 || rank == 3) return;
    const auto i = static_cast<size_t>(rank);
    said[i] = peer_failure([&] { reduced<float>(*communicators[i], {1, 2}, 1); });
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 10);
  EXPECT_EQ(said[0], "rank 1, rank 3 did not come to the sum of x within 0.2 s");
  EXPECT_EQ(said[2], said[0]);
  EXPECT_EQ(peer_failure([&] { communicators[1]->barrier(); }), said[0])
      << "late, after the failure";
}

TEST(ThreadCommunicator, AbortEndsTheWaitOfTheOthers) {
  auto communicators = thread_communicators(2);
  on_threads(2, [&](int rank) {
    if (rank == 1) return communicators[1]->abort(ExitCode::kData, "rank 1 has no data");
    EXPECT_EQ(peer_failure([&] { communicators[0]->barrier(); }), "rank 1 has no data");
  });
}

TEST(CollectiveHistory, KeepsTheLastOperationsAndWhereARankStillWaits) {
  auto communicators = thread_communicators(2);
  for (auto& one : communicators) one->set_timeout(0.1);
  on_threads(2, [&](int rank) {
    for (int i = 0; i < 70; ++i) communicators[static_cast<size_t>(rank)]->barrier();
    if (rank == 0) peer_failure([&] { reduced<float>(*communicators[0], {1, 2, 3}, 1); });
  });
  const std::vector<Collective> all = communicators[0]->history();
  ASSERT_EQ(all.size(), CollectiveHistory::kKept);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].number, static_cast<int64_t>(71 - all.size() + 1 + i));
    EXPECT_EQ(all[i].ended >= all[i].begun, i + 1 < all.size());
  }
  EXPECT_EQ(all.back().op, "all_reduce");
  EXPECT_EQ(all.back().what, "x");
  EXPECT_EQ(all.back().count, 3);
  EXPECT_EQ(all.back().type, "f32");
  EXPECT_EQ(communicators[1]->history().back().op, "barrier");
}

TEST(CollectiveHistory, CutsLongNames) {
  CollectiveHistory history;
  EXPECT_TRUE(history.all().empty());
  history.begin("all_reduce", std::string(100, 'x'), 1, "f32");
  EXPECT_EQ(history.all()[0].what, std::string(CollectiveHistory::kMostCharacters, 'x'));
}

TEST(ComparedOperations, AreNamedWhereRanksComeToDifferentOnes) {
  auto communicators = thread_communicators(2);
  std::vector<std::string> said(2);
  on_threads(2, [&](int rank) {
    const auto i = static_cast<size_t>(rank);
    communicators[i]->compare_operations(true);
    EXPECT_EQ(reduced<float>(*communicators[i], {1, 2}, 1), (std::vector<float>{2, 4}));
    const std::vector<float> mine(rank == 0 ? 2 : 3, 1);
    said[i] = peer_failure([&] { reduced<float>(*communicators[i], mine, 1); });
  });
  EXPECT_EQ(said[0],
            "rank 0 has come to all_reduce of x (2 f32, its collective 2), rank 1 to all_reduce of "
            "x (3 f32, its collective 2)");
  EXPECT_EQ(said[1], said[0]);
}

}  // namespace
}  // namespace gantry
