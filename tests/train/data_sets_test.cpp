// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <cmath>

#include "tests/train/data_fixture.h"
#include "train/data/sample_set.h"

namespace gantry {
namespace {

using testing::idx_file;
using testing::read_samples;
using testing::Samples;
using testing::ScratchFolder;

DataConfig config_of(DataSourceKind source, const std::string& path) {
  DataConfig config;
  config.source = source;
  config.path = path;
  config.shuffle = false;
  return config;
}

std::vector<int64_t> histogram(const DataSource& source) {
  const Samples samples = read_samples(source, 0, source.info().count);
  std::vector<int64_t> counts(static_cast<size_t>(source.info().classes));
  for (const float label : samples.labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

TEST(Mnist, TestPartIsTheRealOne) {
  const auto path = testing::real_data("mnist");
  GANTRY_REQUIRE_DATA(path);
  DataConfig config = config_of(DataSourceKind::kMnist, path);
  config.split = DataSplit::kTest;
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().count, 10000);
  EXPECT_EQ(source->info().sample, (Shape{1, 1, 28, 28}));
  // Known counts of t10k-labels.
  EXPECT_EQ(histogram(*source),
            (std::vector<int64_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  const Samples first = read_samples(*source, 0, 1);
  EXPECT_EQ(first.labels[0], 7);
  EXPECT_EQ(first.images[0], -1);
  double sum = 0;
  for (const float value : first.images) sum += (value + 1) * 127.5;
  EXPECT_NEAR(sum, 18454, 0.01);  // of the bytes, counted independently
}

TEST(Mnist, TrainPartAndClassFilter) {
  const auto path = testing::real_data("mnist");
  GANTRY_REQUIRE_DATA(path);
  DataConfig config = config_of(DataSourceKind::kMnist, path);
  config.classes = {3, 1};
  config.skip = 10;
  config.subset = 500;
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().count, 500);
  EXPECT_EQ(source->info().class_names, (std::vector<std::string>{"3", "1"}));
  EXPECT_EQ(histogram(*source)[0] + histogram(*source)[1], 500);
  config = config_of(DataSourceKind::kMnist, path);
  config.split = DataSplit::kAll;
  EXPECT_EQ(open_data(config, 1)->info().count, 70000);
}

TEST(Cifar10, JpegArchiveHasFolderClasses) {
  const auto path = testing::real_data("cifar10/cifar10-jpeg.zip");
  GANTRY_REQUIRE_DATA(path);
  DataConfig config = config_of(DataSourceKind::kImages, path);
  config.split = DataSplit::kTest;
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().count, 10000);
  EXPECT_EQ(source->info().sample, (Shape{1, 3, 32, 32}));
  EXPECT_EQ(source->info().class_names[6], "frog");
  EXPECT_EQ(histogram(*source), std::vector<int64_t>(10, 1000));
}

TEST(Cifar10, BinaryRecordsBecomePixels) {
  const ScratchFolder folder;
  std::vector<uint8_t> bytes;
  for (uint8_t record = 0; record < 3; ++record) {
    bytes.push_back(record);
    const std::vector<uint8_t> planes = testing::noise(3072, record);
    bytes.insert(bytes.end(), planes.begin(), planes.end());
  }
  testing::write_bytes(folder / "cifar-10-batches-bin/test_batch.bin", bytes);
  DataConfig config = config_of(DataSourceKind::kCifar10, folder.path());
  config.split = DataSplit::kTest;
  config.range = {0, 255};
  const auto source = open_data(config, 1);
  const Samples samples = read_samples(*source, 0, 3);
  EXPECT_EQ(samples.labels, (std::vector<float>{0, 1, 2}));
  for (const size_t pixel : {size_t{0}, size_t{33}, size_t{1023}}) {
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(samples.images[3072 + pixel * 3 + c], bytes[3073 + 1 + c * 1024 + pixel]);
    }
  }
}

TEST(Idx, PlainAndGzipAreTheSame) {
  const ScratchFolder folder;
  const std::vector<uint8_t> values = testing::noise(6 * 4 * 5);
  const std::vector<uint8_t> images = idx_file({6, 4, 5}, values);
  testing::write_bytes(folder / "images", images);
  testing::write_bytes(folder / "labels", idx_file({6}, {0, 1, 2, 3, 1, 0}));
  gzFile gz = gzopen((folder / "images.gz").c_str(), "wb");
  gzwrite(gz, images.data(), static_cast<unsigned>(images.size()));
  gzclose(gz);
  DataConfig config = config_of(DataSourceKind::kIdx, folder / "images");
  config.labels = folder / "labels";
  config.range = {0, 255};
  const auto plain = open_data(config, 1);
  config.path = folder / "images.gz";
  const auto packed = open_data(config, 1);
  EXPECT_EQ(plain->info().sample, (Shape{1, 1, 4, 5}));
  EXPECT_EQ(plain->info().classes, 4);
  EXPECT_EQ(read_samples(*plain, 0, 6), read_samples(*packed, 0, 6));
  EXPECT_EQ(read_samples(*plain, 0, 6).images, std::vector<float>(values.begin(), values.end()));
}

TEST(Synthetic, GlyphsAreVariedAndLabelled) {
  DataConfig config = config_of(DataSourceKind::kGlyphs, "");
  config.samples = 720;
  config.glyphs = 36;
  config.range = {0, 1};
  const auto source = open_data(config, 1);
  EXPECT_EQ(source->info().sample, (Shape{1, 1, 28, 28}));
  EXPECT_EQ(source->info().class_names[35], "Z");
  const Samples samples = read_samples(*source, 0, 720);
  for (size_t i = 0; i < 720; ++i) {
    EXPECT_EQ(samples.labels[i], static_cast<float>(i % 36));
    double ink = 0;
    for (size_t p = 0; p < 784; ++p) ink += samples.images[i * 784 + p];
    EXPECT_GT(ink, 20) << i;
    EXPECT_LT(ink, 300) << i;
  }
  const auto glyph = [&](size_t i) {
    return std::vector<float>(samples.images.begin() + static_cast<ptrdiff_t>(i * 784),
                              samples.images.begin() + static_cast<ptrdiff_t>(i * 784 + 784));
  };
  EXPECT_NE(glyph(3), glyph(39));
  config.jitter = 0;
  const Samples still = read_samples(*open_data(config, 2), 0, 72);
  EXPECT_TRUE(std::equal(still.images.begin(), still.images.begin() + 36 * 784,
                         still.images.begin() + 36 * 784));
}

TEST(Synthetic, GaussiansHaveTheirMoments) {
  for (const bool ring : {true, false}) {
    DataConfig config = config_of(ring ? DataSourceKind::kRing : DataSourceKind::kGrid, "");
    config.samples = 20000;
    config.modes = ring ? 8 : 5;
    config.spread = 0.05;
    const auto source = open_data(config, 1);
    EXPECT_EQ(source->info().sample, (Shape{1, 2, 1, 1}));
    EXPECT_EQ(source->info().classes, ring ? 8 : 25);
    const Samples samples = read_samples(*source, 0, 20000);
    double deviation = 0;
    for (size_t i = 0; i < 20000; ++i) {
      const double mode = samples.labels[i], angle = 2 * 3.14159265358979 * mode / 8;
      const double x = ring ? 2 * std::cos(angle) : 2 * (std::fmod(mode, 5) - 2);
      const double y = ring ? 2 * std::sin(angle) : 2 * (std::floor(mode / 5) - 2);
      deviation +=
          std::pow(samples.images[2 * i] - x, 2) + std::pow(samples.images[2 * i + 1] - y, 2);
    }
    // The estimate of sigma^2 from 40000 draws has a relative error of 0.7 %.
    EXPECT_NEAR(deviation / 40000, 0.05 * 0.05, 0.05 * 0.05 * 0.03);
  }
}

}  // namespace
}  // namespace gantry
