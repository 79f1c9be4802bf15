// SPDX-License-Identifier: Apache-2.0
// Stacked MNIST: the set, made of the digits of this repository, and the counting of its modes.
#include "train/data/stacked.h"

#include <algorithm>

#include "tests/train/data_fixture.h"
#include "tests/train/training_rig.h"
#include "train/mode_coverage.h"

namespace gantry {
namespace {

using testing::read_samples;
using testing::Samples;

constexpr int64_t kPixels = 28 * 28, kTestDigits = 10000;

DataConfig digits_of(DataSourceKind source) {
  DataConfig config;
  config.source = source;
  config.path = GANTRY_SOURCE_DIR "/data/mnist";
  config.split = DataSplit::kTest;
  config.shuffle = false;
  return config;
}

DataConfig stacked(int64_t samples) {
  DataConfig config = digits_of(DataSourceKind::kStackedMnist);
  config.samples = samples;
  return config;
}

TEST(StackedMnist, ChannelsAreDigitsAndTheClassTheirNumber) {
  constexpr int64_t kCount = 50;
  const auto set = open_data(stacked(kCount), 1);
  EXPECT_EQ(set->info().sample, (Shape{1, 3, 28, 28}));
  EXPECT_EQ(set->info().classes, 1000);
  EXPECT_EQ(set->info().class_names[7], "007");
  const Samples images = read_samples(*set, 0, kCount);
  const auto digits = open_data(digits_of(DataSourceKind::kMnist), 1);
  for (int64_t i = 0; i < kCount; ++i) {
    const auto chosen = stacked_digits(static_cast<uint32_t>(i), kTestDigits);
    float number = 0;
    for (size_t c = 0; c < chosen.size(); ++c) {
      const Samples digit = read_samples(*digits, static_cast<uint64_t>(chosen[c]), 1);
      number = 10 * number + digit.labels[0];
      std::vector<float> channel;
      for (int64_t p = 0; p < kPixels; ++p) {
        channel.push_back(images.images[static_cast<size_t>((i * kPixels + p) * 3) + c]);
      }
      EXPECT_EQ(channel, digit.images) << i << ", channel " << c;
    }
    EXPECT_EQ(images.labels[static_cast<size_t>(i)], number) << i;
  }
}

TEST(StackedMnist, DigitsAreDrawnAlikeAndIndependently) {
  constexpr uint32_t kDraws = 30000;
  constexpr double kBins = 10;
  std::array<int64_t, 10> first{}, last{};
  std::array<int64_t, 100> pairs{};
  for (uint32_t i = 0; i < kDraws; ++i) {
    const auto [a, b, c] = stacked_digits(i, kTestDigits);
    ASSERT_TRUE(std::min({a, b, c}) >= 0 && std::max({a, b, c}) < kTestDigits);
    ++first[static_cast<size_t>(a / 1000)];
    ++last[static_cast<size_t>(c / 1000)];
    ++pairs[static_cast<size_t>(a / 1000 * 10 + b / 1000)];
  }
  const auto chi2 = [&](const auto& counts, double bins) {
    double sum = 0;
    for (const int64_t count : counts) {
      const double off = static_cast<double>(count) - kDraws / bins;
      sum += off * off / (kDraws / bins);
    }
    return sum;
  };
  // The 99.99 % quantiles of chi^2 with 9 and with 99 degrees of freedom.
  EXPECT_LT(chi2(first, kBins), 33.7);
  EXPECT_LT(chi2(last, kBins), 33.7);
  EXPECT_LT(chi2(pairs, kBins * kBins), 161.3);
}

TEST(StackedMnist, TheSetDependsOnNoSeedAndTheOrderOnOne) {
  DataConfig config = stacked(64);
  EXPECT_EQ(read_samples(*open_data(config, 1), 0, 64), read_samples(*open_data(config, 2), 0, 64));
  config.shuffle = true;
  const auto one = open_data(config, 1);
  EXPECT_EQ(read_samples(*one, 32, 32), read_samples(*open_data(config, 1), 32, 32));
  EXPECT_NE(read_samples(*one, 0, 32).labels, read_samples(*open_data(config, 2), 0, 32).labels);
  EXPECT_NE(read_samples(*one, 0, 64).labels, read_samples(*one, 64, 64).labels);
}

TEST(StackedMnist, ItsOwnLabelsCoverAllModes) {
  constexpr int64_t kCount = 25600;
  DataConfig config = stacked(kCount);
  std::vector<int64_t> modes(kCount);
  std::vector<float> labels(kCount);
  open_data(config, 1)->read(0, kCount, nullptr, labels.data());
  std::copy(labels.begin(), labels.end(), modes.begin());
  const ModeCoverage coverage = coverage_of(kStackedModes, modes);
  EXPECT_EQ(coverage.found, 1000);
  EXPECT_EQ(coverage.good, 1);
  // 0.0195 = 999 / (2 x 25,600) of so few samples, 0.006 of digits that are not equally frequent.
  EXPECT_NEAR(coverage.kl, 0.0255, 0.003);
}

TEST(StackedMnist, WhatCannotBeIsRefused) {
  DataConfig config = stacked(10000);
  config.memory_mb = 20;
  try {
    open_data(config, 1);
    FAIL() << "accepted";
  } catch (const MemoryError& error) {
    EXPECT_NE(std::string(error.what()).find("10000 images take 23 MB"), std::string::npos)
        << error.what();
  }
  config = stacked(10);
  config.classes = {1000};
  EXPECT_THROW(open_data(config, 1), ConfigError);
}

constexpr const char* kDigitClassifier = R"({
  "name": "digits", "seed": 3, "threads": 2,
  "data": {"source": "glyphs", "samples": 500, "size": [8, 8], "range": [0, 1]},
  "classifier": {"layers": [
    {"type": "conv", "channels": 16, "kernel": 3, "stride": 2, "padding": 1},
    {"type": "batch_norm"}, {"type": "relu"}, {"type": "flatten"},
    {"type": "dense", "units": 10}]},
  "objective": {"type": "classifier"},
  "optimizer": {"c": {"lr": 1e-2}},
  "train": {"steps": 150, "batch": 32}
})";

// Glyphs of known classes as channels, in another range than the classifier's.
TEST(StackedModes, AreReadChannelByChannel) {
  TrainingRig rig(tested_backend(), kDigitClassifier);
  rig.step(150);
  Classifier classifier(rig.session().system(), rig.session().stream(), 16);
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = 300;
  config.size = {8, 8};
  config.range = {-1, 1};
  config.shuffle = false;
  const Samples glyphs = read_samples(*open_data(config, 1), 0, 300);
  std::vector<float> images;
  std::vector<int64_t> wanted;
  for (size_t i = 0; i < 100; ++i) {
    const std::array<size_t, 3> at = {3 * i, 7 * i % 300, (11 * i + 5) % 300};
    for (size_t p = 0; p < 64; ++p) {
      for (const size_t glyph : at) images.push_back(glyphs.images[glyph * 64 + p]);
    }
    wanted.push_back(static_cast<int64_t>(100 * glyphs.labels[at[0]] + 10 * glyphs.labels[at[1]] +
                                          glyphs.labels[at[2]]));
  }
  const std::vector<int64_t> read =
      StackedModes(classifier, {1, 3, 8, 8}).of(images, {.low = -1, .high = 1});
  ASSERT_EQ(read.size(), wanted.size());
  int right = 0;
  for (size_t i = 0; i < read.size(); ++i) right += read[i] == wanted[i] ? 1 : 0;
  EXPECT_GT(right, 70);  // by chance: 0.1
}

TEST(StackedModes, AnotherClassifierIsRefused) {
  for (const char* change : {"data.glyphs=9", "data.size=12", "data.channels=3"}) {
    std::vector<std::string> changes = {change};
    if (changes[0] == "data.glyphs=9") {
      changes.emplace_back(R"(classifier={"layers": [{"type": "flatten"}, )"
                           R"({"type": "dense", "units": 9}]})");
    }
    TrainingRig rig(tested_backend(), kDigitClassifier, changes);
    Classifier classifier(rig.session().system(), rig.session().stream(), 16);
    EXPECT_THROW(StackedModes(classifier, {1, 3, 8, 8}), ConfigError) << change;
  }
}

}  // namespace
}  // namespace gantry
