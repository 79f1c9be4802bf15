// SPDX-License-Identifier: Apache-2.0
// LeCam, top-k, augmentation, ADA and consistency inside whole steps: values against the formulas
// written out here, gradients of both players against central differences, state over a resume.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/models/worst_error.h"
#include "tests/tolerances.h"
#include "tests/train/player_update.h"
#include "tests/train/tap_reader.h"
#include "tests/train/training_rig.h"

namespace gantry {
namespace {

using Overrides = std::vector<std::string>;
using Values = std::vector<double>;

const std::string kLecam = R"(objective.lecam={"weight":0.25,"start":2,"decay":0.75})";
const std::string kTopK = R"(objective.top_k={"nu":0.5,"gamma":0.75,"every":1})";
const std::string kDiffAugment = "objective.augmentation.type=diffaugment";
const std::string kAda =
    R"(objective.augmentation={"type":"ada","probability":0.5,"every":2,"span":100})";
const std::string kConsistency =
    R"(objective.consistency={"weight":10,"brightness":1,"cutout":0.5})";

double mean(const Values& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double kept(TrainingRig& rig, const std::string& name, size_t i = 0) {
  return rig.session().checkpoint().tensor(name).as<double>()[i];
}

void expect_refused(const Overrides& overrides, const std::string& part) {
  try {
    parse_config(kTinyGan, "test.json", overrides);
    FAIL() << "accepted: " << overrides.back();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

// ---- Gradients ----

testing::WorstError update_difference("an update with a technique");

void expect_gradient(const std::string& player, const std::function<double(const Metrics&)>& loss,
                     const Overrides& overrides) {
  const double error = PlayerUpdate(player, loss, overrides).worst_error();
  EXPECT_LE(update_difference.see(error), kUpdateDifference) << player << ": " << overrides[0];
}

double of_d(const Metrics& m) { return m.at("d.loss_real") + m.at("d.loss_fake"); }
double of_g(const Metrics& m) { return m.at("g.loss"); }

TEST(Technique, TheTermsOfDAreDifferentiatedWithItsLoss) {
  const auto lecam = [](const Metrics& m) { return of_d(m) + 0.25 * m.at("d.lecam"); };
  const auto consistent = [](const Metrics& m) { return of_d(m) + 10 * m.at("d.consistency"); };
  expect_gradient("d", lecam, {kLecam});
  expect_gradient("d", lecam, {R"(objective={"type":"hinge"})", kLecam, "train.fake_batch=4"});
  expect_gradient("d", consistent, {kConsistency});
  expect_gradient("d", consistent, {kConsistency, "discriminator.layers.3.type=layer_norm"});
}

// Through the transpose of the augmentation, and from the samples that count alone.
TEST(Technique, GLearnsThroughWhatDIsShown) {
  expect_gradient("g", of_g, {kDiffAugment});
  expect_gradient("g", of_g, {kAda, "train.generator_batch=4"});
  expect_gradient("g", of_g, {kTopK});
}

// ---- Values ----

// Anchors are the means from before the step, and follow the batch until `start`.
TEST(Technique, LecamComparesWithTheMeansOfEarlierUpdates) {
  TrainingRig rig = reference_rig({kLecam});
  TapReader taps;
  double real = 0, fake = 0;
  for (int step = 0; step < 5; ++step) {
    taps.step(rig.session());
    const Values &r = taps.at("d1.m1.score_real"), &f = taps.at("d1.m1.score_fake");
    Values above, below;
    for (const double y : r) above.push_back(std::pow(std::max(0.0, y - fake), 2));
    for (const double y : f) below.push_back(std::pow(std::max(0.0, real - y), 2));
    const double want = step < 2 ? 0 : mean(above) + mean(below);
    EXPECT_NEAR(rig.metrics().at("d.lecam"), want, 1e-12) << step;
    const double decay = step < 2 ? 0 : 0.75;
    real = decay * real + (1 - decay) * mean(r);
    fake = decay * fake + (1 - decay) * mean(f);
    EXPECT_NEAR(kept(rig, "objective.lecam.real"), real, 1e-12) << step;
    EXPECT_NEAR(kept(rig, "objective.lecam.fake"), fake, 1e-12) << step;
    EXPECT_NEAR(rig.metrics().at("d.lecam_real"), real, 1e-12);
  }
}

TEST(Technique, LecamChangesNothingBeforeItsStart) {
  TrainingRig with = cpu_rig({R"(objective.lecam={"weight":100,"start":2})"}), without = cpu_rig();
  const auto weight = [](TrainingRig& rig) {
    return rig.session().checkpoint().tensor("d.conv1.weight");
  };
  with.step(2);
  without.step(2);
  EXPECT_EQ(weight(with), weight(without));
  with.step(1);
  without.step(1);
  EXPECT_NE(weight(with), weight(without));
}

// G's loss is the mean of sp(-f) over the k highest f; 16, 12, 9 and then 8 of 16.
TEST(Technique, TopKIsTheMeanOverTheHighestScores) {
  TrainingRig rig = reference_rig({kTopK});
  TapReader taps;
  for (const size_t k : {16u, 12u, 9u, 8u, 8u}) {
    taps.step(rig.session());
    Values scores = taps.at("g1.m1.score_fake"), losses;
    std::sort(scores.rbegin(), scores.rend());
    for (size_t i = 0; i < k; ++i) losses.push_back(std::log1p(std::exp(-scores[i])));
    EXPECT_NEAR(rig.metrics().at("g.loss"), mean(losses), 1e-12) << k;
    EXPECT_NEAR(rig.metrics().at("g.top_k"), static_cast<double>(k) / 16, 1e-12);
  }
}

// D is never shown a sample as it is, in its updates or G's, and each time another way.
TEST(Technique, RealAndGeneratedSamplesAreAugmentedInBothUpdates) {
  TrainingRig rig = reference_rig({kDiffAugment});
  TapReader taps;
  taps.step(rig.session());
  const Values real = taps.at("d1.m1.augmentation_real"), fake = taps.at("d1.m1.augmentation_fake"),
               of_generator = taps.at("g1.m1.augmentation_fake");
  ASSERT_EQ(real.size(), 16u * 8);
  for (size_t n = 0; n < 16; ++n) {
    for (const Values* rows : {&real, &fake, &of_generator}) {
      EXPECT_NE((*rows)[8 * n], 0);
      EXPECT_EQ((*rows)[8 * n + 7], 1);
    }
    EXPECT_NE(real[8 * n], fake[8 * n]);
    EXPECT_NE(fake[8 * n], of_generator[8 * n]);
  }
  taps.step(rig.session());
  EXPECT_NE(taps.at("d1.m1.augmentation_real"), real);
}

// p moves by what the signs of D's answers say, 32 samples of a span of 100 at a time, whatever the
// micro-batches; a step has two updates of D.
TEST(Technique, TheProbabilityFollowsTheSignsOfRealAnswers) {
  for (const char* accumulate : {"train.accumulate=1", "train.accumulate=2"}) {
    TrainingRig rig = reference_rig({kAda, "train.d_steps=2", accumulate});
    TapReader taps;
    double p = 0.5;
    for (int step = 0; step < 6; ++step) {
      taps.step(rig.session());
      Values signs;
      for (const char* name : {"d1.m1", "d1.m2", "d2.m1", "d2.m2"}) {
        const std::string tap = std::string(name) + ".score_real";
        if (!taps.has(tap)) continue;
        for (const double y : taps.at(tap)) signs.push_back(y > 0 ? 1 : y < 0 ? -1 : 0);
      }
      ASSERT_EQ(signs.size(), 32u);
      p = std::max(0.0, p + (mean(signs) > 0.6 ? 0.32 : -0.32));
      EXPECT_NEAR(kept(rig, "objective.augmentation.p"), p, 1e-12) << step;
      EXPECT_EQ(kept(rig, "objective.augmentation.tally", 1), 0);
    }
  }
}

TEST(Technique, AtProbabilityZeroSamplesStayAsTheyAre) {
  TrainingRig rig = reference_rig({R"(objective.augmentation={"type":"ada"})"});
  TapReader taps;
  taps.step(rig.session());
  const Values rows = taps.at("d1.m1.augmentation_real");
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], i % 8 == 1 || i % 8 == 2 ? 1 : 0);
}

// ---- State ----

TEST(Technique, ResumingContinuesBitForBit) {
  const Overrides all[] = {
      {kLecam, kTopK},
      {kLecam, kAda, "train.accumulate=2", "objective.real_fake=mixed"},
      {kLecam, kConsistency, kDiffAugment, "objective.real_fake=alternating"},
      {kAda, kConsistency, kTopK, "train.d_steps=2", "discriminator.spectral_norm=true"},
      {kDiffAugment, "train.reuse_fakes=true"},
  };
  for (const Overrides& overrides : all) {
    for (const int steps : {1, 2, 3}) {
      TrainingRig whole = cpu_rig(overrides), resumed = cpu_rig(overrides);
      whole.step(steps);
      resumed.step(1);  // dirt that restore() must replace
      resumed.session().restore(whole.session().checkpoint(), "memory");
      whole.step(2);
      resumed.step(2);
      EXPECT_EQ(whole.session().checkpoint().tensors, resumed.session().checkpoint().tensors)
          << overrides[0] << " after " << steps;
      for (const auto& [name, value] : whole.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
    }
  }
}

TEST(Technique, WhatMakesNoSenseIsRefused) {
  expect_refused({kTopK, R"(objective.labels={"real":0,"fake":1})"},
                 "/objective/top_k: takes D's highest answers");
  expect_refused({R"(objective={"type":"feature_matching","top_k":{"nu":0.5}})"},
                 "/objective/top_k: has no effect");
  expect_refused({"objective.top_k.nu=0"}, "nu");
  expect_refused({"objective.lecam.start=0"}, "start");
  expect_refused({"objective.augmentation.type=cutmix"}, "diffaugment");
  expect_refused({"objective.augmentation.cutout=0.5"}, "cutout");
  expect_refused({R"(objective={"type":"wgan_gp","augmentation":{"type":"ada"}})"},
                 "a critic's have no zero");
  expect_refused({R"(objective={"type":"lsgan","augmentation":{"type":"ada"}})"},
                 "0 is not between them");
  expect_refused({R"(objective={"type":"began","augmentation":{"type":"ada"}})"},
                 "they are no scores");
  expect_refused({R"(objective.consistency={"weight":1,"translation":0})"},
                 "/objective/consistency: would compare");
  expect_refused({R"(objective.augmentation={"type":"diffaugment","brightness":0,"saturation":0,)"
                  R"("contrast":0,"translation":0,"cutout":0})"},
                 "/objective/augmentation: does nothing");
  expect_refused({"data={\"source\":\"ring\"}",
                  "generator.layers=[{\"type\":\"dense\",\"units\":2}]", kDiffAugment},
                 "these data are points");
}

}  // namespace
}  // namespace gantry
