// SPDX-License-Identifier: Apache-2.0
#include "kernels/communicator.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "core/replay.h"
#include "kernels/cluster/thread_communicator.h"
#include "kernels/kernels.h"
#include "tests/ranks/team.h"

namespace gantry {
namespace {

// What rank `rank` brings: values whose sum depends on the order of additions.
template <typename Real>
std::vector<Real> operand(int rank, int64_t size) {
  std::vector<Real> x(static_cast<size_t>(size));
  for (size_t i = 0; i < x.size(); ++i) {
    const auto k = static_cast<double>((i * 7919 + static_cast<size_t>(rank) * 104729) % 1009);
    x[i] = static_cast<Real>((k - 504.3) * (rank % 2 == 0 ? 1e4 : 0.37));
  }
  return x;
}

// Neighbours are added until one is left.
template <typename Real>
std::vector<Real> paired_sum(std::vector<std::vector<Real>> parts, Real scale) {
  while (parts.size() > 1) {
    std::vector<std::vector<Real>> next;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      for (size_t k = 0; k < parts[i].size(); ++k) parts[i][k] += parts[i + 1][k];
      next.push_back(parts[i]);
    }
    if (parts.size() % 2 == 1) next.push_back(parts.back());
    parts = next;
  }
  for (Real& value : parts[0]) value *= scale;
  return parts[0];
}

// The all-reduce of a rank as a step of a program.
template <typename Real>
std::vector<Real> reduced(Communicator& communicator, std::vector<Real> x, double scale) {
  const Backend backend = open_backend(BackendChoice::kCpu, 1);
  const auto stream = backend.device->make_stream();
  const DType dtype = sizeof(Real) == 4 ? DType::kF32 : DType::kF64;
  Program program;
  const TensorRef ref =
      program.external("x", {x.data(), vector_shape(static_cast<int64_t>(x.size())), dtype});
  program.call("all_reduce",
               communicator.all_reduce({static_cast<int64_t>(x.size()), dtype, scale, "x"}), {}, {},
               {ref});
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(*backend.device, plan.arena_bytes);
  Replay(std::move(program), std::move(plan), std::move(arena)).run(*stream);
  return x;
}

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

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const PeerError& error) {
    EXPECT_EQ(error.code(), ExitCode::kPeer);
    return error.what();
  }
  return "no error";
}

TEST(ThreadCommunicator, NamesTheRanksThatDoNotComeInTime) {
  auto communicators = thread_communicators(4);
  for (auto& one : communicators) one->set_timeout(0.2);
  std::vector<std::string> said(4);
  const auto start = std::chrono::steady_clock::now();
  on_threads(4, [&](int rank) {
    if (rank == 1 || rank == 3) return;
    const auto i = static_cast<size_t>(rank);
    said[i] = refusal([&] { reduced<float>(*communicators[i], {1, 2}, 1); });
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 10);
  EXPECT_EQ(said[0], "rank 1, rank 3 did not come to the sum of x within 0.2 s");
  EXPECT_EQ(said[2], said[0]);
  EXPECT_EQ(refusal([&] { communicators[1]->barrier(); }), said[0]) << "late, after the failure";
}

TEST(ThreadCommunicator, AbortEndsTheWaitOfTheOthers) {
  auto communicators = thread_communicators(2);
  on_threads(2, [&](int rank) {
    if (rank == 1) return communicators[1]->abort(ExitCode::kData, "rank 1 has no data");
    EXPECT_EQ(refusal([&] { communicators[0]->barrier(); }), "rank 1 has no data");
  });
}

TEST(CollectiveHistory, KeepsTheLastOperationsAndWhereARankStillWaits) {
  auto communicators = thread_communicators(2);
  for (auto& one : communicators) one->set_timeout(0.1);
  on_threads(2, [&](int rank) {
    for (int i = 0; i < 70; ++i) communicators[static_cast<size_t>(rank)]->barrier();
    if (rank == 0) refusal([&] { reduced<float>(*communicators[0], {1, 2, 3}, 1); });
  });
  const std::vector<Collective> all = communicators[0]->history().all();
  ASSERT_EQ(all.size(), CollectiveHistory::kKept);
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].number, static_cast<int64_t>(71 - all.size() + 1 + i));
    EXPECT_EQ(all[i].ended >= all[i].begun, i + 1 < all.size());
  }
  EXPECT_EQ(all.back().op, "all_reduce");
  EXPECT_EQ(all.back().what, "x");
  EXPECT_EQ(all.back().count, 3);
  EXPECT_EQ(all.back().type, "f32");
  EXPECT_EQ(communicators[1]->history().all().back().op, "barrier");
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
    said[i] = refusal([&] { reduced<float>(*communicators[i], mine, 1); });
  });
  EXPECT_EQ(said[0],
            "rank 0 has come to all_reduce of x (2 f32, its collective 2), rank 1 to all_reduce of "
            "x (3 f32, its collective 2)");
  EXPECT_EQ(said[1], said[0]);
}

}  // namespace
}  // namespace gantry
