// SPDX-License-Identifier: Apache-2.0
// Objectives that ask D for more than a score: classes (ACGAN) and codes (InfoGAN); and the
// classifier. Values and gradients against the formulas, written out here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"
#include "tests/train/tap_reader.h"
#include "tests/train/training_rig.h"
#include "train/agreement.h"
#include "train/code_walk.h"

namespace gantry {
namespace {

constexpr const char* kAcgan = R"({
  "name": "acgan", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 96, "glyphs": 5, "size": [8, 8]},
  "latent": {"size": 6},
  "generator": {"inputs": ["z", "label"], "layers": [
    {"type": "concat", "inputs": ["z", "label"]},
    {"type": "dense", "units": 32}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
  "discriminator": {"layers": [
    {"type": "conv", "channels": 6, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "leaky_relu"}, {"type": "flatten", "name": "features"},
    {"type": "dense", "units": 1, "name": "score"},
    {"type": "dense", "units": 5, "inputs": ["features"], "name": "class"}],
    "outputs": ["score", "class"]},
  "objective": {"type": "acgan"},
  "optimizer": {"g": {"type": "sgd", "lr": 0.05}, "d": {"type": "sgd", "lr": 0.05}},
  "train": {"steps": 10, "batch": 8}
})";

constexpr const char* kInfogan = R"({
  "name": "infogan", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 96, "size": [8, 8]},
  "latent": {"size": 4, "codes": [
    {"type": "categorical", "classes": 3}, {"type": "uniform", "size": 2},
    {"name": "last", "type": "normal"}]},
  "generator": {"layers": [
    {"type": "dense", "units": 32}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
  "discriminator": {"layers": [
    {"type": "flatten"}, {"type": "dense", "units": 12}, {"type": "leaky_relu", "name": "trunk"},
    {"type": "dense", "units": 1, "name": "score"},
    {"type": "dense", "units": 3, "inputs": ["trunk"], "name": "q1"},
    {"type": "dense", "units": 2, "inputs": ["trunk"], "name": "q2"},
    {"type": "dense", "units": 1, "inputs": ["trunk"], "name": "q3"}],
    "outputs": ["score", "q1", "q2", "q3"]},
  "objective": {"type": "infogan", "infogan": {"categorical": 0.5, "continuous": 0.125}},
  "optimizer": {"g": {"type": "sgd", "lr": 0.05}, "d": {"type": "sgd", "lr": 0.05}},
  "train": {"steps": 10, "batch": 8}
})";

constexpr const char* kClassifier = R"({
  "name": "classifier", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 200, "glyphs": 5, "size": [8, 8]},
  "classifier": {"layers": [
    {"type": "conv", "channels": 8, "kernel": 3, "stride": 2, "padding": 1},
    {"type": "batch_norm"}, {"type": "relu"}, {"type": "flatten"}, {"type": "dropout", "rate": 0.1},
    {"type": "dense", "units": 5}]},
  "objective": {"type": "classifier"},
  "optimizer": {"c": {"lr": 5e-3}},
  "train": {"steps": 100, "batch": 16}
})";

TrainingRig rig(const char* config, const std::vector<std::string>& overrides = {}) {
  return {tested_backend(), config, overrides};
}

void expect_message(const char* config, const std::vector<std::string>& overrides,
                    const std::string& part) {
  try {
    rig(config, overrides);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

using Values = std::vector<double>;

// -log softmax(x)[t], the mean over rows: one softmax, of the logits.
double cross_entropy(const Values& logits, const Values& wanted) {
  const size_t classes = logits.size() / wanted.size();
  double total = 0;
  for (size_t n = 0; n < wanted.size(); ++n) {
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sum += std::exp(logits[n * classes + c]);
    total += std::log(sum) - logits[n * classes + static_cast<size_t>(wanted[n])];
  }
  return total / static_cast<double>(wanted.size());
}

TEST(Heads, TrainAndResumeBitForBit) {
  const std::pair<const char*, std::vector<std::string>> all[] = {
      {kAcgan, {}},
      {kAcgan, {"train.accumulate=2", "objective.acgan.d_fake=0"}},
      {kAcgan, {"objective.loss=hinge", "train.reuse_fakes=true"}},
      {kInfogan, {}},
      {kInfogan, {"objective.infogan.updates=d", "objective.real_fake=alternating"}},
      {kClassifier, {"train.accumulate=4"}},
  };
  for (const auto& [config, overrides] : all) {
    TrainingRig whole = rig(config, overrides), resumed = rig(config, overrides);
    whole.step(1);
    resumed.session().restore(whole.session().checkpoint(), "memory");
    whole.step(2);
    resumed.step(2);
    EXPECT_EQ(whole.session().checkpoint().tensors, resumed.session().checkpoint().tensors);
    for (const auto& [name, value] : whole.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

// In double: D's second output against the classes of both halves. Two softmaxes, as in a popular
// implementation, would give another number.
TEST(Heads, TheClassLossIsTheCrossEntropyOfTheLogits) {
  TrainingRig reference(open_reference_backend(), kAcgan, {"objective.acgan.d_real=0.5"});
  TapReader taps;
  taps.step(reference.session());
  const auto metrics = reference.metrics();
  EXPECT_NEAR(metrics.at("d.class_loss_real"),
              cross_entropy(taps.at("d1.m1.score_real.class"), taps.at("d1.m1.labels")), 1e-12);
  EXPECT_NEAR(metrics.at("d.class_loss_fake"),
              cross_entropy(taps.at("d1.m1.score_fake.class"), taps.at("d1.m1.fake_labels")),
              1e-12);
  EXPECT_NEAR(metrics.at("g.class_loss"),
              cross_entropy(taps.at("g1.m1.score_fake.class"), taps.at("g1.m1.fake_labels")),
              1e-12);
  EXPECT_LE(metrics.at("d.class_accuracy_real"), 1);
}

TEST(Heads, TheCodeLossIsThatOfTheCodesThatGWasGiven) {
  TrainingRig reference(open_reference_backend(), kInfogan, {"objective.infogan.deviation=0.5"});
  TapReader taps;
  taps.step(reference.session());
  const Values& z = taps.at("g1.m1.latent");
  const size_t width = 4 + 3 + 2 + 1, n = z.size() / width;
  Values digits;
  double squares = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto code = z.begin() + static_cast<ptrdiff_t>(i * width + 4);
    EXPECT_EQ(code[0] + code[1] + code[2], 1);
    digits.push_back(static_cast<double>(std::max_element(code, code + 3) - code));
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_LE(std::abs(code[static_cast<ptrdiff_t>(3 + k)]), 1);
      const double off =
          code[static_cast<ptrdiff_t>(3 + k)] - taps.at("g1.m1.score_fake.q2")[2 * i + k];
      squares += off * off;
    }
  }
  const auto metrics = reference.metrics();
  EXPECT_NEAR(metrics.at("g.code_loss_c1"), cross_entropy(taps.at("g1.m1.score_fake.q1"), digits),
              1e-12);
  EXPECT_NEAR(metrics.at("g.code_loss_c2"), squares / (2 * 0.5 * 0.5) / static_cast<double>(n),
              1e-12);
  EXPECT_TRUE(metrics.contains("d.code_loss_last"));
  EXPECT_TRUE(metrics.contains("d.code_accuracy_c1"));
}

// With the terms every weight of both players moves elsewhere than without them; all but D's score
// itself. A term rebuilt from values has no gradient and would move nothing.
TEST(Heads, TheTermsReachBothPlayers) {
  for (const auto& [config, term] :
       {std::pair{kAcgan, "objective.acgan={\"d_real\":0,\"d_fake\":0,\"g\":0}"},
        std::pair{kInfogan, "objective.infogan={\"categorical\":1e-12,\"continuous\":1e-12}"}}) {
    TrainingRig with = rig(config), without = rig(config, {term});
    with.step(1);
    without.step(1);
    for (const HostTensor& tensor : with.session().checkpoint().tensors) {
      if (!tensor.name.ends_with(".weight") || tensor.name == "d.score.weight") continue;
      EXPECT_NE(tensor, without.session().checkpoint().tensor(tensor.name)) << tensor.name;
    }
  }
  TrainingRig control = rig(kInfogan, {"objective.infogan.updates=d"}), both = rig(kInfogan);
  control.step(1);
  both.step(1);
  EXPECT_FALSE(control.metrics().contains("g.code_loss_c1"));
  EXPECT_NE(control.session().checkpoint().tensor("g.dense1.weight"),
            both.session().checkpoint().tensor("g.dense1.weight"));
}

TEST(Heads, FiniteForLogitsOfTenThousand) {
  TrainingRig far = rig(kAcgan, {"train.batch=64"});
  Checkpoint checkpoint = far.session().checkpoint();
  for (HostTensor& tensor : checkpoint.tensors) {
    if (tensor.name != "d.class.bias") continue;
    for (size_t c = 0; c < 5; ++c) tensor.as<float>()[c] = c % 2 == 0 ? 1e4f : -1e4f;
  }
  far.session().restore(checkpoint, "memory");
  far.step(1);
  for (const auto& [name, value] : far.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
  EXPECT_GT(far.metrics().at("d.class_loss_real"), 1000);
}

TEST(Heads, WhatMakesNoSenseIsRefused) {
  expect_message(kAcgan,
                 {"discriminator.outputs=[\"score\"]", "discriminator.layers.4.inputs=[\"score\"]",
                  "discriminator.outputs=[\"class\"]"},
                 "/discriminator/outputs: the objective \"acgan\" needs 2 outputs");
  expect_message(kAcgan, {"discriminator.layers.4.units=4"}, "the classes of the data need");
  expect_message(kAcgan, {"generator.inputs=[\"z\"]", "generator.layers.0={\"type\":\"flatten\"}"},
                 "/generator/inputs: the objective \"acgan\"");
  expect_message(kAcgan, {R"(discriminator.inputs=["x", "label"])"},
                 "/discriminator/inputs: the objective \"acgan\" has D name the class");
  expect_message(
      kAcgan,
      {R"(discriminator.layers.4={"type": "tanh", "inputs": ["features"], "name": "class"})"},
      "/discriminator/layers/4/type: the cross-entropy takes logits, which tanh bounds");
  expect_message(kClassifier,
                 {R"(classifier.layers=[{"type": "flatten"}, {"type": "dense", "units": 5}, )"
                  R"({"type": "sigmoid"}, {"type": "flatten"}])"},
                 "/classifier/layers/2/type: the cross-entropy takes logits, which sigmoid bounds");
  expect_message(kInfogan, {"latent.codes=[]"}, "/latent/codes: the objective \"infogan\"");
  expect_message(kInfogan, {"discriminator.layers.5.units=3"}, "the code \"c2\" needs");
  expect_message(kInfogan, {"objective={\"type\":\"gan\"}"}, "/latent/codes");
  expect_message(kClassifier, {"classifier.layers.5.units=4"}, "the classes of /data need");
  expect_message(kClassifier, {"latent.codes=[{\"type\":\"uniform\"}]"}, "/latent/codes");
  expect_message(kClassifier, {"generator={\"layers\":[{\"type\":\"tanh\"}]}"}, "/generator");
}

TEST(Classifier, LearnsToNameGlyphs) {
  TrainingRig trained = rig(kClassifier);
  trained.step(100);
  EXPECT_GT(trained.metrics().at("c.accuracy"), 0.85);
  EXPECT_LT(trained.metrics().at("c.loss"), 0.6);
}

TEST(Classifier, VerdictsCountByClass) {
  Verdict verdict(3);
  verdict.add({2, 0, 0, 0, 3, 0, 0, 0, 1, 5, 0, 0}, {0, 1, 2, 2});
  verdict.add({0, 4, 0}, {1});
  EXPECT_EQ(verdict.samples(), 5);
  EXPECT_DOUBLE_EQ(verdict.accuracy(), 0.8);
  EXPECT_DOUBLE_EQ(verdict.accuracy_of(2), 0.5);
  EXPECT_DOUBLE_EQ(verdict.accuracy_of(1), 1);
  EXPECT_TRUE(std::isnan(Verdict(2).accuracy_of(0)));
}

TEST(Agreement, SaysWhatTheClassifierSeesInTheSamples) {
  TrainingRig classifier = rig(kClassifier), conditional = rig(kAcgan), coded = rig(kInfogan);
  Classifier judge(classifier.session().system(), classifier.session().stream(), 16);
  const auto measure = [&](TrainingRig& of) {
    System& system = of.session().system();
    Sampler sampler(system, of.session().stream(), 8, false);
    return AgreementMeter(system, sampler, judge).measure(1, 50);
  };
  const Agreement asked = measure(conditional);
  ASSERT_TRUE(asked.asked);
  EXPECT_EQ(asked.asked->samples(), 50);
  EXPECT_TRUE(asked.codes.empty());
  const Agreement codes = measure(coded);
  EXPECT_FALSE(codes.asked);
  ASSERT_EQ(codes.codes.size(), 1u);
  EXPECT_EQ(codes.codes[0].name, "c1");
  EXPECT_EQ(codes.codes[0].class_of.size(), 3u);
  EXPECT_GE(codes.codes[0].purity, 1.0 / 5);
  EXPECT_LE(codes.codes[0].purity, 1);
}

TEST(CodeWalk, PutsAValueIntoALatent) {
  const LatentConfig latent = rig(kInfogan).session().system().config.latent;
  std::vector<float> z(10, 7.0f);
  const CodeWalk kind(latent, "c1"), second(latent, "c2.1"), last(latent, "last");
  EXPECT_EQ(kind.columns(), 3);
  kind.set(z.data(), 2, 3);
  second.set(z.data(), 0, 5);
  last.set(z.data(), 4, 5);
  EXPECT_EQ(z, (std::vector<float>{7, 7, 7, 7, 0, 0, 1, 7, -1, 2}));
  try {
    CodeWalk(latent, "c2");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("c1, c2.0, c2.1, last"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace gantry
