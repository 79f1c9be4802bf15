// SPDX-License-Identifier: Apache-2.0
// Games of a critic: losses without labels, more updates of D than of G.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/training_rig.h"

namespace gantry {
namespace {

const std::vector<std::string> kWgan = {
    "objective={\"type\":\"wgan\"}",
    R"(optimizer.d={"type":"rmsprop","lr":5e-3,"weight_clip":0.05})"};

std::vector<std::string> wgan(std::vector<std::string> more) {
  more.insert(more.begin(), kWgan.begin(), kWgan.end());
  return more;
}

TEST(Critic, TheEstimateIsTheDifferenceOfTheMeans) {
  TrainingRig rig = tested_rig(wgan({"train.accumulate=2", "objective.loss_weight=0.25"}));
  rig.step(3);
  const auto metrics = rig.metrics();
  EXPECT_NEAR(metrics.at("d.wasserstein"),
              -(metrics.at("d.loss_real") + metrics.at("d.loss_fake")) / 0.25, 1e-6);
  EXPECT_GT(std::abs(metrics.at("d.wasserstein")), 1e-4);
  EXPECT_FALSE(metrics.contains("d.accuracy_real"));
  EXPECT_FALSE(metrics.contains("g.fooled"));
}

TEST(Critic, WeightsStayWithinTheClip) {
  TrainingRig rig = tested_rig(wgan({}));
  rig.step(3);
  bool reached = false;
  for (const HostTensor& tensor : rig.session().checkpoint().tensors) {
    if (!tensor.name.starts_with("d.") || !tensor.name.ends_with(".weight")) continue;
    if (tensor.name.find("optimizer") != std::string::npos) continue;
    for (const float w : tensor.as<float>()) {
      EXPECT_LE(std::abs(w), 0.05f) << tensor.name;
      reached |= std::abs(w) == 0.05f;
    }
  }
  EXPECT_TRUE(reached);
}

// By counting, over steps on both sides of every boundary.
TEST(Critic, WarmupCountsAsItIncludes) {
  for (const DWarmupConfig& warmup :
       {DWarmupConfig{100, 25, 500}, DWarmupConfig{7, 0, 3}, DWarmupConfig{7, 4, 0},
        DWarmupConfig{7, 6, 4}, DWarmupConfig{7, 8, 4}, DWarmupConfig{0, 25, 500}}) {
    TrainConfig train;
    train.d_steps = 5;
    train.d_warmup = warmup;
    int64_t updates = 0;
    for (int64_t step = 0; step < 1100; ++step) {
      ASSERT_EQ(train.d_updates_before(step), updates) << step;
      updates += warmup.includes(step) ? warmup.d_steps : 5;
    }
  }
  EXPECT_TRUE((DWarmupConfig{100, 25, 500}).includes(24));
  EXPECT_FALSE((DWarmupConfig{100, 25, 500}).includes(25));
  EXPECT_TRUE((DWarmupConfig{100, 25, 500}).includes(500));
}

const std::vector<std::string> kWarm =
    wgan({R"(train.d_warmup={"d_steps":4,"until":2,"every":5})", "train.d_steps=2"});

TEST(Critic, EachStepMakesItsNumberOfUpdates) {
  TrainingRig rig = tested_rig(kWarm);
  std::vector<int64_t> updates;
  for (int i = 0; i < 7; ++i) {
    rig.step(1);
    updates.push_back(rig.session().checkpoint().tensor("d.optimizer.updates").as<int64_t>()[0]);
  }
  EXPECT_EQ(updates, (std::vector<int64_t>{4, 8, 10, 12, 14, 18, 20}));
}

// Each update of D sees data of its own, and a resume inside either kind of step goes on with the
// batch that comes next.
TEST(Critic, ResumingAcrossTheSwitchContinuesBitForBit) {
  TrainingRig whole = tested_rig(kWarm);
  whole.step(8);
  for (const int first_steps : {1, 2, 5, 6}) {
    TrainingRig first = tested_rig(kWarm), second = tested_rig(kWarm);
    first.step(first_steps);
    second.step(3);  // dirt that restore() must replace
    second.session().restore(first.session().checkpoint(), "memory");
    second.step(8 - first_steps);
    EXPECT_EQ(whole.session().checkpoint().tensors, second.session().checkpoint().tensors)
        << first_steps;
  }
}

// Not of the kinds of step that did not run.
TEST(Critic, MetricsAreThoseOfTheLastStep) {
  TrainingRig rig = tested_rig(kWarm);
  for (int step = 0; step < 3; ++step) {
    rig.step(1);
    EXPECT_FLOAT_EQ(static_cast<float>(rig.metrics().at("d.lr")), 5e-3f) << step;
  }
}

// Real and generated samples of an update see one weight, whether they pass D as one batch or as
// two.
TEST(Critic, SpectralNormIteratesOnceForBothSides) {
  const auto vectors = [](int fakes, int steps) {
    TrainingRig rig =
        cpu_rig({"discriminator.spectral_norm=true", concat("train.fake_batch=", fakes),
                 R"(optimizer.d={"type": "sgd", "lr": 0})"});
    rig.step(steps);
    std::vector<HostTensor> found;
    for (const HostTensor& tensor : rig.session().checkpoint().tensors) {
      if (tensor.name.ends_with("weight_u")) found.push_back(tensor);
    }
    EXPECT_EQ(found.size(), 3u);
    return found;
  };
  EXPECT_EQ(vectors(16, 2), vectors(8, 2));
  EXPECT_NE(vectors(16, 2), vectors(16, 1));
}

}  // namespace
}  // namespace gantry
