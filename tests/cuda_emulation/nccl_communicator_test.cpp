// SPDX-License-Identifier: Apache-2.0
// Ranks with a GPU each: sums, their place in a recording, and what goes wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "core/replay.h"
#include "tests/cuda_emulation/gpu_ranks.h"
#include "tests/ranks/sums.h"

namespace gantry {
namespace {

// Numbers in a GPU's memory, and programs that add them up over ranks.
class Numbers {
 public:
  template <typename Real>
  Numbers(const Backend& backend, const std::vector<Real>& x)
      : backend_(backend),
        stream_(backend.device->make_stream()),
        x_(*backend.device, vector_shape(static_cast<int64_t>(x.size())),
           sizeof(Real) == 4 ? DType::kF32 : DType::kF64) {
    backend.device->copy_to_device(*stream_, x_.view().data, x.data(), x_.bytes());
    stream_->synchronize();
  }

  // From the second run on a recording.
  void add_up(double scale, bool fixed_order, int runs = 1) {
    Program program;
    const TensorRef ref = program.external("x", x_.view());
    const AllReduceDesc desc{x_.shape().elements(), x_.dtype(), scale, "x", fixed_order};
    program.call("all_reduce", backend_.communicator->all_reduce(desc), {}, {}, {ref});
    MemoryPlan plan = plan_memory(program);
    auto arena = std::make_shared<Memory>(*backend_.device, plan.arena_bytes);
    const Replay replay(std::move(program), std::move(plan), std::move(arena));
    for (int run = 0; run < runs; ++run) replay.run(*stream_);
    stream_->synchronize();
  }

  template <typename Real>
  std::vector<Real> values() {
    std::vector<Real> x(static_cast<size_t>(x_.shape().elements()));
    backend_.device->copy_to_host(*stream_, x.data(), x_.view().data, x_.bytes());
    stream_->synchronize();
    return x;
  }

 private:
  const Backend& backend_;
  std::unique_ptr<Stream> stream_;
  Tensor x_;
};

template <typename Real>
std::vector<std::vector<Real>> operands(int ranks, int64_t size) {
  std::vector<std::vector<Real>> all;
  for (int rank = 0; rank < ranks; ++rank) all.push_back(operand<Real>(rank, size));
  return all;
}

template <typename Real>
void expect_sums_along_the_tree(int ranks, int64_t size, double scale) {
  const auto parts = operands<Real>(ranks, size);
  const std::vector<Real> expected = paired_sum(parts, static_cast<Real>(scale));
  on_gpus(ranks, [&](int rank, const Backend& backend) {
    Numbers x(backend, parts[static_cast<size_t>(rank)]);
    x.add_up(scale, true);
    EXPECT_EQ(x.values<Real>(), expected) << "rank " << rank << " of " << ranks << ", " << size;
  });
}

class NcclCommunicator : public ::testing::Test {
 protected:
  ~NcclCommunicator() override { emulation::heal_nccl(); }
};

TEST_F(NcclCommunicator, AddsAlongTheBalancedTreeOnEveryRank) {
  for (const int ranks : {1, 2, 3, 4, 6, 7}) {
    for (const int64_t size : {1, 5, 4096, 4097, 50003}) {
      expect_sums_along_the_tree<float>(ranks, size, 1);
    }
    expect_sums_along_the_tree<double>(ranks, 33, 0.3);
    expect_sums_along_the_tree<double>(ranks, 5000, 0.3);
  }
  // More ranks than pieces.
  expect_sums_along_the_tree<float>(13, 4100, 0.25);
}

TEST_F(NcclCommunicator, InAnyOrderAllRanksHaveTheSameSum) {
  constexpr int kRanks = 3;
  const auto parts = operands<float>(kRanks, 5000);
  // As the stand-in does it.
  std::vector<float> expected;
  for (size_t i = 0; i < parts[0].size(); ++i) {
    expected.push_back(0.5f * (parts[2][i] + parts[1][i] + parts[0][i]));
  }
  EXPECT_NE(expected, paired_sum(parts, 0.5f));
  on_gpus(kRanks, [&](int rank, const Backend& backend) {
    Numbers x(backend, parts[static_cast<size_t>(rank)]);
    x.add_up(0.5, false);
    EXPECT_EQ(x.values<float>(), expected) << rank;
  });
}

// A graph holds the operations of NCCL's stream, and the notes of what the GPU has come to.
TEST_F(NcclCommunicator, RecordedSumsAreThoseThatAreQueued) {
  constexpr int kRuns = 4;
  for (const bool fixed_order : {true, false}) {
    const auto parts = operands<float>(2, 6000);
    std::vector<std::vector<float>> expected = parts;
    for (int run = 0; run < kRuns; ++run) {
      expected.assign(2, paired_sum(expected, 0.5f));  // of two, in any order
    }
    on_gpus(2, [&](int rank, const Backend& backend) {
      Numbers x(backend, parts[static_cast<size_t>(rank)]);
      x.add_up(0.5, fixed_order, kRuns);
      EXPECT_EQ(x.values<float>(), expected[0]);
      std::vector<Collective> sums = backend.communicator->history();
      std::erase_if(sums, [](const Collective& one) { return one.op != "all_reduce"; });
      ASSERT_EQ(sums.size(), kRuns);
      for (int run = 0; run < kRuns; ++run) {
        const Collective& one = sums[static_cast<size_t>(run)];
        EXPECT_EQ(one.number, run + 1);
        EXPECT_EQ(one.what, "x");
        EXPECT_EQ(one.count, 6000);
        EXPECT_EQ(one.type, "f32");
        EXPECT_GT(one.begun, 0);
        EXPECT_GE(one.ended, one.begun);
      }
    });
  }
}

TEST_F(NcclCommunicator, WhatIsAgreedOnTheHostStaysThere) {
  const int64_t before = emulation::nccl_operations();
  on_gpus(3, [&](int rank, const Backend& backend) {
    Communicator& ranks = *backend.communicator;
    EXPECT_EQ(ranks.name(), "NCCL 2.28.9 over 3 threads");
    EXPECT_EQ(ranks.rank(), rank);
    int value = rank;
    ranks.broadcast(&value, sizeof(value), 2);
    EXPECT_EQ(value, 2);
    ranks.barrier();
  });
  EXPECT_EQ(emulation::nccl_operations(), before);
  EXPECT_EQ(emulation::open_nccl_communicators(), 0);
}

TEST_F(NcclCommunicator, EachRankHasTheGpuOfItsPlaceOnTheHost) {
  emulation::set_devices(3);
  for (const int rank : {0, 2}) {
    const Backend backend = open_backend(BackendChoice::kCuda, 1, {}, rank);
    EXPECT_EQ(backend.device->name(), concat("cuda:", rank, " (emulated, sm_90)"));
  }
  try {
    open_backend(BackendChoice::kCuda, 1, {}, 3);
    ADD_FAILURE() << "four ranks, three GPUs";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("local rank 3 finds 3 GPUs"), std::string::npos)
        << error.what();
  }
  // A launcher that shows each rank its own.
  emulation::set_devices(1);
  EXPECT_EQ(open_backend(BackendChoice::kCuda, 1, {}, 3).device->name(),
            "cuda:0 (emulated, sm_90)");
}

// What every rank is told when they cannot be joined.
std::vector<std::string> refusals(std::vector<Backend> backends) {
  std::vector<std::string> said(backends.size());
  on_threads(static_cast<int>(backends.size()), [&](int rank) {
    Communicator& ranks = *backends[static_cast<size_t>(rank)].communicator;
    ranks.set_timeout(0.3);
    try {
      ranks.connect();
    } catch (const EnvironmentError& error) {
      said[static_cast<size_t>(rank)] = error.what();
    }
  });
  return said;
}

TEST_F(NcclCommunicator, RanksThatCannotBeJoinedAllSayWhy) {
  auto backends = gpu_backends(3);
  emulation::set_devices(1);
  backends[2].communicator.reset();
  Backend same = open_backend(BackendChoice::kCuda, 1, {}, 2);
  same.communicator = join_gpus(*same.device, *backends[2].host_communicator);
  same.host_communicator = std::move(backends[2].host_communicator);
  backends[2] = std::move(same);
  emulation::set_devices(3);
  for (const std::string& said : refusals(std::move(backends))) {
    EXPECT_NE(said.find("rank 0 and rank 2 have the same GPU, 0000:00:00.0 on "), std::string::npos)
        << said;
  }
  emulation::delay_nccl(1);
  for (const std::string& said : refusals(gpu_backends(2))) {
    EXPECT_NE(said.find("rank 0: NCCL: ncclCommInitRankConfig did not end within 0.3 s"),
              std::string::npos)
        << said;
  }
  EXPECT_EQ(emulation::open_nccl_communicators(), 0);
}

TEST_F(NcclCommunicator, ARankThatHangsIsNamed) {
  std::array<std::string, 3> said;
  on_gpus(3, [&](int rank, const Backend& backend) {
    Communicator& ranks = *backend.communicator;
    ranks.set_timeout(0.3);
    auto& what = said[static_cast<size_t>(rank)];
    if (rank == 1) {
      std::this_thread::sleep_for(std::chrono::seconds(7));
      return ranks.abort(ExitCode::kPeer, "rank 1 was away");
    }
    Numbers x(backend, std::vector<float>(50, 1));
    what = peer_failure([&] { x.add_up(1, false); });
    // The first cause stays.
    EXPECT_EQ(peer_failure([&] { x.add_up(1, false); }), what);
    std::vector<Collective> sums = ranks.history();
    std::erase_if(sums, [](const Collective& one) { return one.op != "all_reduce"; });
    ASSERT_EQ(sums.size(), 1u);
    EXPECT_LT(sums[0].ended, 0);
  });
  for (const int rank : {0, 2}) {
    const std::string& what = said[static_cast<size_t>(rank)];
    EXPECT_EQ(what,
              "NCCL: the sum of x did not end within 0.3 s; on the host: rank 1 did not "
              "come to a barrier within 5 s");
  }
}

TEST_F(NcclCommunicator, ErrorsOfNcclEndTheWait) {
  emulation::fail_nccl(0, ncclRemoteError, 2);
  std::array<std::string, 2> said;
  on_gpus(2, [&](int rank, const Backend& backend) {
    backend.communicator->set_timeout(0.3);
    Numbers x(backend, std::vector<float>(50, 1));
    said[static_cast<size_t>(rank)] = peer_failure([&] {
      for (int i = 0; i < 5; ++i) x.add_up(1, false);
    });
    if (rank == 0) backend.communicator->abort(ExitCode::kPeer, said[0]);
  });
  EXPECT_EQ(said[0],
            "NCCL: the sum of x says remote process exited or there was a network error: said by "
            "the emulation");
  // The other one hears of it on the host.
  EXPECT_NE(said[1].find(said[0]), std::string::npos) << said[1];
}

TEST_F(NcclCommunicator, ARankThatGivesUpEndsTheWaitOfTheOthers) {
  on_gpus(2, [&](int rank, const Backend& backend) {
    if (rank == 1) return backend.communicator->abort(ExitCode::kData, "rank 1 has no data");
    Numbers x(backend, std::vector<float>(50, 1));
    EXPECT_EQ(peer_failure([&] { x.add_up(1, false); }), "rank 1 has no data");
    backend.communicator->abort(ExitCode::kPeer, "the end");
  });
}

// What a rank does by itself goes on when others have left, or wait for it to leave.
TEST_F(NcclCommunicator, WorkOfOneRankDoesNotNeedTheOthers) {
  on_gpus(2, [&](int rank, const Backend& backend) {
    Numbers x(backend, std::vector<float>(50, 1));
    x.add_up(1, false);
    if (rank == 1) return backend.communicator->abort(ExitCode::kPeer, "rank 1 has left");
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(x.values<float>()[0], 2);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    backend.communicator->abort(ExitCode::kPeer, "the end");
  });
}

TEST_F(NcclCommunicator, ComparesOperations) {
  std::array<std::string, 2> said;
  on_gpus(2, [&](int rank, const Backend& backend) {
    backend.communicator->compare_operations(true);
    Numbers x(backend, std::vector<float>(rank == 0 ? 50 : 51, 1));
    said[static_cast<size_t>(rank)] = peer_failure([&] { x.add_up(1, true); });
    backend.communicator->abort(ExitCode::kPeer, "the end");
  });
  for (const std::string& what : said) {
    EXPECT_NE(what.find("rank 0 has come to all_reduce of x (50 f32"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace gantry
