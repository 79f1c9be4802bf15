// SPDX-License-Identifier: Apache-2.0
// Networks that are told the class of each sample: what they are told, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"
#include "tests/train/tap_reader.h"
#include "tests/train/training_rig.h"
#include "train/sampler.h"

namespace gantry {
namespace {

// By concatenation in G and, as a picture, in D; with batch norm, so that halves matter.
constexpr const char* kConcatenation = R"({
  "name": "cgan", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 96, "glyphs": 5, "size": [8, 8]},
  "latent": {"size": 6},
  "generator": {"inputs": ["z", "label"], "layers": [
    {"type": "embedding", "units": 4, "inputs": ["label"]},
    {"type": "concat", "inputs": ["z", "embedding1"]},
    {"type": "dense", "units": 64}, {"type": "batch_norm"}, {"type": "relu"},
    {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
  "discriminator": {"inputs": ["x", "label"], "layers": [
    {"type": "upsample", "factor": 8, "inputs": ["label"]},
    {"type": "concat", "inputs": ["x", "upsample1"]},
    {"type": "conv", "channels": 6, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "batch_norm"}, {"type": "leaky_relu"}, {"type": "flatten"},
    {"type": "dense", "units": 1}]},
  "optimizer": {"g": {"type": "sgd", "lr": 0.05}, "d": {"type": "sgd", "lr": 0.05}},
  "train": {"steps": 10, "batch": 8}
})";

// Miyato, Koyama 2018.
constexpr const char* kProjection =
    R"(discriminator={"inputs": ["label", "x"], "layers": [
      {"type": "flatten", "inputs": ["x"]}, {"type": "dense", "units": 12},
      {"type": "leaky_relu", "name": "features"},
      {"type": "dense", "units": 1, "name": "marginal"},
      {"type": "embedding", "units": 12, "inputs": ["label"], "name": "classes"},
      {"type": "dot", "inputs": ["features", "classes"]},
      {"type": "add", "inputs": ["marginal", "dot1"]}]})";

TrainingRig rig(Backend backend, std::vector<std::string> overrides) {
  for (std::string& text : overrides) std::replace(text.begin(), text.end(), '\n', ' ');
  return {std::move(backend), kConcatenation, overrides};
}

TrainingRig rig(const std::vector<std::string>& overrides = {}) {
  return rig(tested_backend(), overrides);
}

void expect_message(const std::vector<std::string>& overrides, const std::string& part) {
  try {
    rig(overrides);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Condition, TrainsAndResumesBitForBit) {
  const std::vector<std::vector<std::string>> all = {{},
                                                     {kProjection},
                                                     {"latent.labels=data"},
                                                     {"objective.real_fake=alternating"},
                                                     {"train.fake_batch=4"}};
  for (const std::vector<std::string>& overrides : all) {
    SCOPED_TRACE(overrides.empty() ? "as it is" : overrides[0].substr(0, 30));
    TrainingRig whole = rig(overrides), resumed = rig(overrides);
    whole.step(1);
    resumed.session().restore(whole.session().checkpoint(), "memory");
    whole.step(2);
    resumed.step(2);
    EXPECT_EQ(whole.session().checkpoint().tensors, resumed.session().checkpoint().tensors);
    for (const auto& [name, value] : whole.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(Condition, CpuFollowsTheReference) {
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{}, std::vector<std::string>{kProjection}}) {
    TrainingRig cpu = rig(overrides);
    TrainingRig reference = rig(open_reference_backend(), overrides);
    cpu.step(3);
    reference.step(3);
    const auto want = reference.metrics();
    for (const auto& [name, value] : cpu.metrics()) {
      EXPECT_NEAR(value, want.at(name), 2e-5 * std::max(1.0, std::abs(value))) << name;
    }
  }
}

// The class of a sample is the only thing that changes.
TEST(Condition, LabelsReachTheNetworks) {
  TrainingRig trained = rig();
  TapReader taps;
  taps.step(trained.session());
  const auto before = trained.session().checkpoint();
  Sampler sampler(trained.session().system(), trained.session().stream(), 4, false);
  const std::vector<float> one = sampler.draw_latents(1, 0, 1);
  std::vector<float> latents;
  for (int i = 0; i < 4; ++i) latents.insert(latents.end(), one.begin(), one.end());
  const std::vector<float> images = sampler.images(latents, {0, 1, 1, 4});
  const auto image = [&](int i) {
    return std::vector<float>(images.begin() + 64 * i, images.begin() + 64 * (i + 1));
  };
  EXPECT_EQ(image(1), image(2));
  EXPECT_NE(image(0), image(1));
  EXPECT_NE(image(1), image(3));
}

TEST(Condition, FakeLabelsAreDrawnOrThoseOfTheRealBatch) {
  TapReader taps;
  TrainingRig drawn = rig({"train.batch=64"}), given = rig({"latent.labels=data"});
  taps.step(drawn.session());
  std::vector<int> count(5, 0);
  for (const double label : taps.at("d1.m1.fake_labels")) ++count.at(static_cast<size_t>(label));
  for (const int times : count) EXPECT_GT(times, 4);
  EXPECT_NE(taps.at("d1.m1.fake_labels"), taps.at("d1.m1.labels"));
  EXPECT_NE(taps.at("d1.m1.fake_labels"), taps.at("g1.m1.fake_labels"));
  taps.step(given.session());
  EXPECT_EQ(taps.at("d1.m1.fake_labels"), taps.at("d1.m1.labels"));
  EXPECT_EQ(taps.at("g1.m1.fake_labels"), taps.at("d1.m1.labels"));
}

// D is given each sample's own class: with the real labels in place of both it answers otherwise.
TEST(Condition, DIsToldTheClassOfBothHalves) {
  TrainingRig together = rig({kProjection, "latent.labels=data", "train.batch=8"});
  TrainingRig apart =
      rig({kProjection, "latent.labels=data", "train.batch=8", "objective.real_fake=alternating"});
  TapReader a, b;
  a.step(together.session());
  b.step(apart.session());
  const std::vector<double> one = a.at("d1.m1.score_real"), two = b.at("d1.m1.score_real");
  ASSERT_EQ(one.size(), two.size());
  // A product may sum sixteen rows in another order than eight.
  for (size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], two[i], 1e-5) << i;
}

TEST(Condition, WhatNobodyCouldUseIsRefused) {
  expect_message({"generator.inputs=[\"z\"]",
                  R"(generator.layers=[{"type": "dense", "units": 64},
                     {"type": "reshape", "shape": [1, 8, 8]}])"},
                 "/discriminator/inputs: D is told the label of each sample and G is not");
  expect_message({"discriminator.inputs=[\"x\"]",
                  R"(discriminator.layers=[{"type": "flatten"}, {"type": "dense", "units": 1}])"},
                 "/generator/inputs: G is told which class to make and nobody checks it");
  expect_message({"generator.inputs=[\"z\", \"labels\"]"}, "\"labels\": the generator is given");
  expect_message({"discriminator.inputs=[\"label\"]"}, "\"x\" is missing");
  expect_message({"generator.inputs=[\"z\", \"z\"]"}, "named twice");
  expect_message({"latent.labels=data", "train.generator_batch=16"}, "/latent/labels");
  expect_message({R"(discriminator.layers=[{"type": "flatten"}, {"type": "dense", "units": 1}])"},
                 "nothing reads the network's input \"label\"");
}

TEST(Condition, DataWithoutLabelsAreRefused) {
  Backend backend = open_backend(BackendChoice::kCpu, 1);
  try {
    System(parse_config(kConcatenation, "test.json").config, {{1, 1, 8, 8}, 0}, backend);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("/generator/inputs/1: \"label\": the samples of /data "
                        "have no labels"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace gantry
