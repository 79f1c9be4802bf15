// SPDX-License-Identifier: Apache-2.0
// Semi-supervised learning: its losses against those of a softmax over K + 1 classes, written out
// here; which labels D is told, and what it makes of them.
#include "train/semi_supervised.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/reference/reference_backend.h"
#include "tests/train/data_fixture.h"
#include "tests/train/tap_reader.h"
#include "tests/train/training_rig.h"
#include "train/classifier.h"
#include "train/data/labelled.h"
#include "train/held_out.h"

namespace gantry {
namespace {

constexpr const char* kSemiSupervised = R"({
  "name": "semi", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 300, "glyphs": 5, "size": [8, 8]},
  "latent": {"size": 6},
  "generator": {"layers": [
    {"type": "dense", "units": 32}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
  "discriminator": {"layers": [
    {"type": "conv", "channels": 8, "kernel": 3, "stride": 2, "padding": 1},
    {"type": "leaky_relu"}, {"type": "dropout", "rate": 0.1}, {"type": "flatten"},
    {"type": "dense", "units": 16}, {"type": "leaky_relu", "name": "features"},
    {"type": "dense", "units": 5, "name": "class"}],
    "outputs": ["class", "features"], "init": {"weight": {"kind": "he_normal"}}},
  "objective": {"type": "semi_supervised", "semi_supervised": {"labels_per_class": 3}},
  "optimizer": {"g": {"lr": 1e-3}, "d": {"lr": 5e-3}},
  "train": {"steps": 10, "batch": 10}
})";

TrainingRig rig(const std::vector<std::string>& overrides = {}) {
  return {tested_backend(), kSemiSupervised, overrides};
}

using Values = std::vector<double>;

// -log of the probability that a softmax over the logits and a further one, 0, gives to the real
// classes together, or to the further one; the mean over rows.
double surprise(const Values& logits, size_t classes, bool real) {
  double total = 0;
  for (size_t n = 0; n < logits.size(); n += classes) {
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sum += std::exp(logits[n + c]);
    total -= std::log((real ? sum : 1) / (sum + 1));
  }
  return total / static_cast<double>(logits.size() / classes);
}

TEST(SemiSupervised, TheGameIsThatOfOneMoreClass) {
  TrainingRig reference(open_reference_backend(), kSemiSupervised);
  TapReader taps;
  taps.step(reference.session());
  const auto metrics = reference.metrics();
  EXPECT_NEAR(metrics.at("d.loss_real"), surprise(taps.at("d1.m1.score_real"), 5, true), 1e-12);
  EXPECT_NEAR(metrics.at("d.loss_fake"), surprise(taps.at("d1.m1.score_fake"), 5, false), 1e-12);
}

TEST(SemiSupervised, TrainsAndResumesBitForBit) {
  const std::vector<std::string> all[] = {
      {},
      {"train.accumulate=2", "objective.instance_noise.sigma=0.2"},
      {"train.d_steps=2", R"(objective.augmentation={"type": "diffaugment"})"},
      {"objective.real_fake=alternating", "objective.combine=mean"},
      {"objective.real_fake=mixed", "train.fake_batch=20"},
  };
  for (const auto& overrides : all) {
    TrainingRig whole = rig(overrides), resumed = rig(overrides);
    whole.step(1);
    resumed.session().restore(whole.session().checkpoint(), "memory");
    whole.step(2);
    resumed.step(2);
    EXPECT_EQ(whole.session().checkpoint().tensors, resumed.session().checkpoint().tensors);
    for (const auto& [name, value] : whole.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

// Three of each class, over and over, and no others, with their own labels.
TEST(SemiSupervised, DIsToldTheLabelsOfAFewSamples) {
  TrainingRig learner(cpu_backend(), kSemiSupervised, {"train.d_steps=2"});
  const DataSource& data = learner.session().source();
  const testing::Samples all = testing::read_samples(data, 0, data.info().count);
  std::set<Values> known;
  TapReader taps;
  for (int step = 0; step < 6; ++step) {
    taps.step(learner.session());
    for (const char* update : {"d1.m1.", "d2.m1."}) {
      const Values images = taps.at(std::string(update) + "labelled");
      const Values labels = taps.at(std::string(update) + "labelled_labels");
      ASSERT_EQ(labels.size(), 10u);
      for (size_t i = 0; i < labels.size(); ++i) {
        Values image(images.begin() + static_cast<ptrdiff_t>(i * 64),
                     images.begin() + static_cast<ptrdiff_t>((i + 1) * 64));
        for (size_t k = 0; k < all.labels.size(); ++k) {
          if (!std::equal(image.begin(), image.end(), all.images.begin() + 64 * k)) continue;
          EXPECT_EQ(static_cast<double>(all.labels[k]), labels[i]);
          image.push_back(labels[i]);
        }
        EXPECT_EQ(image.size(), 65u) << "is not one sample of the data";
        known.insert(image);
      }
    }
  }
  EXPECT_EQ(known.size(), 15u);
  std::vector<int> of_class(5);
  for (const Values& image : known) ++of_class[static_cast<size_t>(image.back())];
  EXPECT_EQ(of_class, std::vector<int>(5, 3));
}

TEST(SemiSupervised, TheLabelledSamplesFollowFromTheSeed) {
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = 200;
  const auto chosen = [&](uint64_t seed) {
    return first_of_each_class(*open_data(config, seed), 4);
  };
  const LabelledSubset one = chosen(1);
  EXPECT_EQ(one.classes.size(), 40u);
  EXPECT_EQ(one.samples.size(), 40u * 28 * 28);
  EXPECT_EQ(one.desc.count, 40);
  EXPECT_EQ(one.samples, chosen(1).samples);
  EXPECT_NE(one.samples, chosen(2).samples);
  // In file order, glyph after glyph.
  config.shuffle = false;
  std::vector<int32_t> in_order(40);
  for (size_t i = 0; i < 40; ++i) in_order[i] = static_cast<int32_t>(i % 10);
  EXPECT_EQ(chosen(1).classes, in_order);
}

TEST(SemiSupervised, LearnsToNameWhatItWasNotTold) {
  TrainingRig learner = rig({"data.jitter=0.5"});
  learner.step(150);
  EXPECT_GT(learner.metrics().at("d.class_accuracy"), 0.95);
  Classifier named(learner.session().system(), learner.session().stream(), 50);
  EXPECT_GT(judge_all(named, learner.session().source()).accuracy(), 0.7);  // by chance 0.2
}

TEST(SemiSupervised, HeldOutAccuracyIsThatOfD) {
  TrainingRig learner = rig({R"(evaluation={"every": 100, "data": {"source": "glyphs", )"
                             R"("samples": 40, "glyphs": 5, "size": [8, 8]}})"});
  HeldOut held_out(learner.session().system(), learner.session().stream());
  const auto measured = held_out.measure();
  EXPECT_EQ(held_out.accuracy_name(), "d.test_accuracy");
  EXPECT_GE(measured.at("d.test_accuracy"), 0);
  EXPECT_TRUE(std::isfinite(measured.at("d.test_loss")));
}

TEST(SemiSupervised, WhatMakesNoSenseIsRefused) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"data.glyphs=7"}, "the classes of /data need 1x7x1x1"},
      {{"objective.semi_supervised.labels_per_class=61"}, "\"0\" has 60"},
      {{"data.rotation=10"}, "needs labelled images without data.rotation"},
      {{R"(discriminator.outputs=["class"])"}, R"(["last", "features"])"},
      {{R"(discriminator.inputs=["x", "label"])"}, "knows the labels of a few samples alone"},
      {{R"(generator.inputs=["z", "label"])"}, "knows the labels of a few samples alone"},
      {{R"(discriminator.layers.6={"type": "softplus", "name": "class"})"},
       "the cross-entropy takes logits, which softplus bounds"},
      {{"objective.loss=hinge"}, "loss"},
      {{R"(objective.augmentation={"type": "ada"})"}, "they are no scores"},
  };
  for (const auto& [overrides, part] : cases) {
    try {
      rig(overrides);
      ADD_FAILURE() << overrides[0] << " is accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace gantry
