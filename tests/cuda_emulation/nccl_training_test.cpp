// SPDX-License-Identifier: Apache-2.0
// Training on several GPUs: N ranks learn what one learns, in exact mode to the same bytes.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/cuda_emulation/gpu_ranks.h"
#include "tests/ranks/comparison.h"
#include "tests/ranks/shared_norm.h"
#include "tests/tolerances.h"
#include "tests/train/tiny_gan.h"

namespace gantry {
namespace {

constexpr int kFewSteps = 4;  // the first queued, the others launches of a graph

Team::Load tiny(std::vector<std::string> overrides = {}) {
  for (const char* small : {"train.batch=8", "data.samples=16"}) overrides.emplace_back(small);
  return [overrides] { return parse_config(kTinyGan, "tiny.json", overrides).config; };
}

std::vector<Backend> lone_gpu() {
  emulation::set_devices(1);
  std::vector<Backend> backends;
  backends.push_back(open_backend(BackendChoice::kCuda, 1));
  return backends;
}

TEST(NcclTraining, TwoAndFourLearnAsOne) {
  const Team::Load load =
      tiny({"distributed.sync_batch_norm=true", R"(optimizer.d={"type": "sgd", "lr": 0.01})",
            R"(optimizer.g={"type": "sgd", "lr": 0.01})"});
  Team one(lone_gpu(), load);
  const Lone lone = train_alone(one);
  for (const int ranks : {2, 4}) {
    Team many(gpu_backends(ranks), load);
    const Difference off = compare(lone, many);
    std::printf("%d ranks: losses within %.1e, weights within %.1e of their way\n", ranks,
                off.losses, off.weights);
    EXPECT_LE(off.losses, kRanksLossF32) << ranks;
    EXPECT_LE(off.weights, kRanksWeightsF32) << ranks;
  }
}

TEST(NcclTraining, PartsOfSharedNormsAreThoseOfTheWhole) {
  expect_parts_of_the_whole([](int ranks, const auto& work) {
    on_gpus(ranks,
            [&](int rank, const Backend& backend) { work(rank, backend, *backend.communicator); });
  });
}

TEST(NcclTraining, OneRankWithNcclInItsGraphIsOneWithout) {
  Team without(lone_gpu(), tiny()), with(gpu_backends(1), tiny());
  const int64_t before = emulation::nccl_operations();
  without.step(kFewSteps);
  EXPECT_EQ(emulation::nccl_operations(), before);
  with.step(kFewSteps);
  EXPECT_GE(emulation::nccl_operations(), before + 2 * kFewSteps);
  EXPECT_EQ(without.checkpoint().tensors, with.checkpoint().tensors);
}

TEST(NcclTraining, ExactModeGivesTheSameBytesOnAnyNumber) {
  const Team::Load load = tiny({"distributed.virtual_ranks=4"});
  Team one(lone_gpu(), load);
  one.step(kFewSteps);
  const Checkpoint expected = one.checkpoint();
  for (const int ranks : {1, 2, 4}) {
    Team many(gpu_backends(ranks), load);
    many.step(kFewSteps);
    EXPECT_EQ(many.checkpoint().tensors, expected.tensors) << ranks << " ranks";
    EXPECT_EQ(many.session(0).latest_metrics(), one.session(0).latest_metrics());
  }
}

// A run goes on with another number of GPUs.
TEST(NcclTraining, ExactModeResumesOnAnotherNumber) {
  const Team::Load load = tiny({"distributed.virtual_ranks=4"});
  Team whole(gpu_backends(2), load), first(gpu_backends(4), load), second(gpu_backends(2), load);
  whole.step(kFewSteps);
  first.step(kFewSteps - 2);
  second.restore(first.checkpoint());
  second.step(2);
  EXPECT_EQ(whole.checkpoint().tensors, second.checkpoint().tensors);
}

class IgnoringWatcher : public ReplayWatcher {};

TEST(NcclTraining, RecordedStepsAreThoseThatAreQueued) {
  Team recorded(gpu_backends(2), tiny()), queued(gpu_backends(2), tiny());
  recorded.step(kFewSteps);
  on_threads(2, [&](int rank) {
    IgnoringWatcher watcher;
    for (int step = 0; step < kFewSteps; ++step) queued.session(rank).step(watcher);
  });
  EXPECT_EQ(recorded.checkpoint().tensors, queued.checkpoint().tensors);
}

}  // namespace
}  // namespace gantry
