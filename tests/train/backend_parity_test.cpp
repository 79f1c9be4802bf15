// SPDX-License-Identifier: Apache-2.0
// Every shipped config on two backends from the same seed: 20 steps, the same losses at each and
// the same weights after the last, up to what roundings grow to. Optimizers divide by the root of
// a gradient's square plus eps: where a gradient is nothing but rounding (a bias before a batch
// norm), the published eps of 1e-8 makes a whole step of it in a random direction, so here it is
// larger. CPU against GPU where there is a
// GPU; everywhere, one CPU thread against two, which sum in another order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/ranks.h"
#include "tests/tolerances.h"
#include "tests/train/shipped_configs.h"
#include "tests/train/training_rig.h"
#include "tests/train/weights_of.h"

namespace gantry {
namespace {

constexpr int kSteps = 20;
constexpr double kRivalEps = 1e-5;

std::unique_ptr<Session> open(const std::string& name, Backend& backend,
                              std::vector<std::string> overrides) {
  const std::string path = path_of_config(name);
  const auto drawn = drawn_data(load_config(path).config);
  overrides.insert(overrides.end(), drawn.begin(), drawn.end());
  RunConfig config = load_config(path, overrides).config;
  for (PlayerConfig* player : config.players()) {
    player->optimizer.eps = std::max(player->optimizer.eps, kRivalEps);
  }
  auto data = open_data(config.data, static_cast<uint64_t>(config.seed));
  auto session = std::make_unique<Session>(std::move(config), backend, std::move(data));
  session->initialize();
  return session;
}

void compare(const std::string& name, Backend first, Backend second,
             const std::vector<std::string>& overrides) {
  const auto a = open(name, first, overrides), b = open(name, second, overrides);
  std::map<std::string, std::vector<double>> before;
  for (const auto& player : a->system().players) before[player->name] = weights_of(*a, *player);
  double worst_loss = 0, worst_weights = 0;
  for (int step = 1; step <= kSteps; ++step) {
    a->step();
    b->step();
    const auto expected = a->latest_metrics();
    for (const auto& [metric, value] : b->latest_metrics()) {
      if (metric.find("loss") == std::string::npos) continue;
      const double off = std::abs(value - expected.at(metric)) / (1 + std::abs(value));
      worst_loss = std::max(worst_loss, off);
      EXPECT_LE(off, kStepsLossF32)
          << metric << " at step " << step << ": " << value << " and " << expected.at(metric);
    }
  }
  for (size_t i = 0; i < a->system().players.size(); ++i) {
    const Player& player = *a->system().players[i];
    const auto at_a = weights_of(*a, player), at_b = weights_of(*b, *b->system().players[i]);
    const double moved = distance(at_a, before[player.name]);
    EXPECT_GT(moved, 0) << player.name;
    worst_weights = std::max(worst_weights, distance(at_a, at_b) / moved);
    EXPECT_LE(distance(at_a, at_b) / moved, kStepsWeightsF32) << player.name;
  }
  std::printf("%-26s after %d steps: losses within %.1e, weights within %.1e of their way\n",
              name.c_str(), kSteps, worst_loss, worst_weights);
}

// The GPU, or why there is none.
struct Gpu {
  std::optional<Backend> backend;
  std::string missing;
};

Gpu open_gpu() {
  if (!has_cuda_backend()) return {std::nullopt, "no CUDA in this build"};
  try {
    return {open_backend(BackendChoice::kCuda, 0), ""};
  } catch (const EnvironmentError& error) {
    return {std::nullopt, error.what()};
  }
}

class BackendParity : public ::testing::TestWithParam<std::string> {};

TEST_P(BackendParity, GpuAgreesWithCpu) {
  Gpu gpu = open_gpu();
  if (!gpu.backend) GTEST_SKIP() << "CPU against GPU not compared: " << gpu.missing;
  compare(GetParam(), open_backend(BackendChoice::kCpu, 0), std::move(*gpu.backend), {});
}

INSTANTIATE_TEST_SUITE_P(All, BackendParity, ::testing::ValuesIn(shipped_configs()),
                         [](const auto& param) { return test_name(param.param); });

class IgnoringWatcher : public ReplayWatcher {};

// From its second step on a GPU launches what it has recorded.
TEST(OnGpu, RecordedStepsAreThoseThatAreQueued) {
  Gpu first = open_gpu(), second = open_gpu();
  if (!first.backend) GTEST_SKIP() << "not run on a GPU: " << first.missing;
  TrainingRig recorded(std::move(*first.backend), kTinyGan);
  TrainingRig queued(std::move(*second.backend), kTinyGan);
  IgnoringWatcher watcher;
  recorded.step(kSteps);
  for (int step = 0; step < kSteps; ++step) queued.session().step(watcher);
  EXPECT_EQ(recorded.session().checkpoint().tensors, queued.session().checkpoint().tensors);
}

TEST(OnGpu, ResumingContinuesBitForBit) {
  Gpu first = open_gpu(), second = open_gpu();
  if (!first.backend) GTEST_SKIP() << "not run on a GPU: " << first.missing;
  TrainingRig whole(std::move(*first.backend), kTinyGan);
  TrainingRig part(std::move(*second.backend), kTinyGan);
  whole.step(3);
  part.session().restore(whole.session().checkpoint(), "memory");
  whole.step(4);
  part.step(4);
  EXPECT_EQ(whole.session().checkpoint().tensors, part.session().checkpoint().tensors);
}

// From the second step on inside the graph.
TEST(OnGpu, NcclOfOneRankChangesNothing) {
  Gpu first = open_gpu(), second = open_gpu();
  if (!first.backend) GTEST_SKIP() << "not run on a GPU: " << first.missing;
  if (!has_nccl()) GTEST_SKIP() << "no NCCL in this build";
  Backend& joined = *second.backend;
  joined.host_communicator = std::make_unique<NullCommunicator>();
  joined.communicator = join_gpus(*joined.device, *joined.host_communicator);
  joined.communicator->connect();
  TrainingRig without(std::move(*first.backend), kTinyGan);
  TrainingRig with(std::move(joined), kTinyGan);
  without.step(kSteps);
  with.step(kSteps);
  EXPECT_EQ(without.session().checkpoint().tensors, with.session().checkpoint().tensors);
}

TEST(ThreadParity, TwoThreadsAgreeWithOne) {
  for (const char* name : {"quickstart", "gan-mlp", "toy/wgan-gp-ring", "toy/minibatch-grid"}) {
    compare(name, open_backend(BackendChoice::kCpu, 1), open_backend(BackendChoice::kCpu, 2),
            {"train.batch=8"});
  }
}

}  // namespace
}  // namespace gantry
