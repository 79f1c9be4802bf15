// SPDX-License-Identifier: Apache-2.0
// Packs of samples before D: what it is given, gradients of both players through them against
// central differences, what counts samples and what counts answers, state, refusals.
#include <gtest/gtest.h>

#include "tests/models/worst_error.h"
#include "tests/tolerances.h"
#include "tests/train/player_update.h"
#include "tests/train/tap_reader.h"

namespace gantry {
namespace {

using Overrides = std::vector<std::string>;
using Values = std::vector<double>;

constexpr int64_t kPackedSide = 8, kPackedChannels = 3, kPackedSamples = 12;
const std::string kThreeChannels =
    R"(data={"source": "glyphs", "samples": 96, "size": [8, 8], "channels": 3})";

testing::WorstError packed_difference("an update on packs");

Values values_of(const Checkpoint& checkpoint, const std::string& name) {
  const std::span<const double> values = checkpoint.tensor(name).as<double>();
  return {values.begin(), values.end()};
}

// D(x_0, ..., x_{m-1}) = b + sum of w x over places, then samples of the pack, then channels.
Values judged(const Values& x, const Values& w, double b, int64_t m) {
  Values scores;
  for (int64_t pack = 0; pack < kPackedSamples / m; ++pack) {
    double score = b;
    for (int64_t place = 0; place < kPackedSide * kPackedSide; ++place) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t c = 0; c < kPackedChannels; ++c) {
          const int64_t sample = pack * m + i;
          score += w[static_cast<size_t>((place * m + i) * kPackedChannels + c)] *
                   x[static_cast<size_t>(
                       (sample * kPackedSide * kPackedSide + place) * kPackedChannels + c)];
        }
      }
    }
    scores.push_back(score);
  }
  return scores;
}

TEST(Packing, DJudgesNeighboursBesideEachOtherAlongTheChannels) {
  for (const int64_t m : {1, 2, 3, 4}) {
    TrainingRig rig = reference_rig(
        {kThreeChannels, "generator.layers.5.channels=3", "objective.instance_noise={}",
         R"(discriminator.layers=[{"type": "flatten"}, {"type": "dense", "units": 1}])",
         concat("train.batch=", kPackedSamples), concat("objective.packing=", m)});
    const Checkpoint start = rig.session().checkpoint();
    const Values w = values_of(start, "d.dense1.weight"), b = values_of(start, "d.dense1.bias");
    TapReader taps;
    taps.step(rig.session());
    for (const std::string side : {"real", "fake"}) {
      const Values want = judged(taps.at("d1.m1." + side), w, b[0], m);
      const Values& found = taps.at("d1.m1.score_" + side);
      ASSERT_EQ(found.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(found[i], want[i], 1e-12) << side;
    }
    EXPECT_EQ(taps.at("g1.m1.score_fake").size(), static_cast<size_t>(kPackedSamples / m));
  }
}

void expect_packed_gradient(const std::string& player,
                            const std::function<double(const Metrics&)>& loss,
                            const Overrides& overrides) {
  const double error = PlayerUpdate(player, loss, overrides).worst_error();
  EXPECT_LE(packed_difference.see(error), kUpdateDifference) << player << ": " << overrides[0];
}

TEST(Packing, GLearnsThroughPacks) {
  const auto loss = [](const Metrics& m) { return m.at("g.loss"); };
  expect_packed_gradient("g", loss, {"objective.packing=2"});
  expect_packed_gradient("g", loss,
                         {"objective.packing=4", "objective.augmentation.type=diffaugment",
                          kThreeChannels, "generator.layers.5.channels=3"});
  expect_packed_gradient("g", loss,
                         {"objective.packing=2", "train.accumulate=2",
                          "objective.top_k={\"nu\":0.5,\"gamma\":0.75,\"every\":1}"});
}

TEST(Packing, PenaltiesAreAboutPacks) {
  const auto loss = [](const Metrics& m) {
    return m.at("d.loss_real") + m.at("d.loss_fake") + m.at("d.penalty");
  };
  const std::string norm = "discriminator.layers.3.type=layer_norm";
  expect_packed_gradient("d", loss, {R"(objective={"type":"wgan_gp","packing":2})", norm});
  expect_packed_gradient("d", loss, {R"(objective={"type":"dragan","packing":4})", norm});
}

// Each sample of a pack is augmented by itself, and ADA's probability moves by samples.
TEST(Packing, AugmentationIsOfSamples) {
  TrainingRig rig = reference_rig(
      {R"(objective.augmentation={"type":"ada","probability":0.5,"every":2,"span":100})",
       "objective.packing=2"});
  TapReader taps;
  taps.step(rig.session());
  EXPECT_EQ(taps.at("d1.m1.augmentation_real").size(), 16u * 8);
  EXPECT_EQ(values_of(rig.session().checkpoint(), "objective.augmentation.p")[0], 0.5);
  rig.step(1);
  const double p = values_of(rig.session().checkpoint(), "objective.augmentation.p")[0];
  EXPECT_NEAR(std::abs(p - 0.5), 0.32, 1e-12);
}

TEST(Packing, ResumingContinuesBitForBit) {
  const Overrides all[] = {
      {"objective.packing=2", "train.reuse_fakes=true", "train.accumulate=2"},
      {"objective.packing=4", "objective.real_fake=alternating", "train.d_steps=2"},
      {"objective.packing=2", "objective.real_fake=mixed", "train.fake_batch=8"}};
  for (const Overrides& overrides : all) {
    TrainingRig whole = cpu_rig(overrides), resumed = cpu_rig(overrides);
    whole.step(2);
    resumed.step(1);  // dirt that restore() must replace
    resumed.session().restore(whole.session().checkpoint(), "memory");
    whole.step(2);
    resumed.step(2);
    EXPECT_EQ(whole.session().checkpoint().tensors, resumed.session().checkpoint().tensors);
  }
}

void expect_packing_refused(Overrides overrides, const std::string& part) {
  overrides.push_back("objective.packing=2");
  try {
    parse_config(kTinyGan, "test.json", overrides);
    FAIL() << "accepted: " << overrides[0];
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Packing, WhatMakesNoSenseIsRefused) {
  expect_packing_refused({R"(objective={"type":"ebgan"})"},
                         "/objective/packing: D is an autoencoder");
  expect_packing_refused({R"(objective={"type":"semi_supervised"})"},
                         "D names the class of each sample");
  expect_packing_refused({R"(objective={"type":"acgan"})"}, "D names the class of each sample");
  expect_packing_refused({R"(objective={"type":"infogan"})"}, "D reads the codes of each sample");
  expect_packing_refused({R"(discriminator.inputs=["x","label"])"},
                         "D is told the label of each sample");
  expect_packing_refused({"objective.consistency.weight=1"}, "/objective/consistency compares");
  expect_packing_refused({"discriminator.layers.3.type=virtual_batch_norm"},
                         "/discriminator/layers/3/type: virtual_batch_norm has a reference batch");
  expect_packing_refused(
      {"train.batch=15"},
      "/train/batch: 15 samples do not divide into packs of 2 (/objective/packing); "
      "make it a multiple of 2");
  expect_packing_refused(
      {"train.fake_batch=12", "train.accumulate=4"},
      "/train/fake_batch: 12 samples do not divide into packs of 2 (/objective/packing) "
      "in each of 4 micro-batches; make it a multiple of 8");
  expect_packing_refused({"train.generator_batch=17"}, "/train/generator_batch: 17 samples");
}

}  // namespace
}  // namespace gantry
