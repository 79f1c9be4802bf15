// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/malloc_count.h"
#include "tests/train/data_fixture.h"
#include "train/data/augment.h"
#include "train/data/prefetcher.h"

namespace gantry {
namespace {

// A 3 x 4 image of one channel with the values 0..11.
struct Numbered {
  std::vector<float> values = std::vector<float>(12);
  StoredSample sample;
  Numbered() {
    std::iota(values.begin(), values.end(), 0.0f);
    sample.reals = values.data();
    sample.shape = {1, 1, 3, 4};
  }
  std::vector<float> apply(const Augmentation& augmentation, Shape shape = {1, 1, 3, 4}) const {
    std::vector<float> out(static_cast<size_t>(shape.elements()));
    apply_augmentation(augmentation, sample, -1, shape, out.data());
    return out;
  }
};

using Values = std::vector<float>;

TEST(Augment, FlipsShiftsAndCrops) {
  const Numbered image;
  EXPECT_EQ(image.apply({}), image.values);
  EXPECT_EQ(image.apply({.flip = true}), (Values{3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8}));
  EXPECT_EQ(image.apply({.vertical_flip = true}), (Values{8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3}));
  EXPECT_EQ(image.apply({.dy = 1, .dx = -2}), (Values{-1, -1, -1, -1, 2, 3, -1, -1, 6, 7, -1, -1}));
  EXPECT_EQ(image.apply({.crop_y = 1, .crop_x = 2}, {1, 1, 2, 2}), (Values{6, 7, 10, 11}));
}

TEST(Augment, AQuarterTurnMovesPixelsExactly) {
  Values values = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  StoredSample sample;
  sample.reals = values.data();
  sample.shape = {1, 1, 3, 3};
  Values out(9);
  apply_augmentation({.cosine = 0, .sine = 1}, sample, -1, sample.shape, out.data());
  // out(y, x) comes from place (center - (x - center), y): a turn to the left in rows going down.
  EXPECT_EQ(out, (Values{6, 3, 0, 7, 4, 1, 8, 5, 2}));
}

TEST(Augment, ATurnInterpolatesBetweenPixels) {
  // On a linear image bilinear interpolation is exact: value = 10 y + x.
  Values values(25);
  for (size_t i = 0; i < 25; ++i) values[i] = static_cast<float>(10 * (i / 5) + i % 5);
  StoredSample sample;
  sample.reals = values.data();
  sample.shape = {1, 1, 5, 5};
  Values out(25);
  const double angle = 0.2;
  const Augmentation turned{.cosine = std::cos(angle), .sine = std::sin(angle)};
  apply_augmentation(turned, sample, -1, sample.shape, out.data());
  for (int y = 1; y < 4; ++y) {
    for (int x = 1; x < 4; ++x) {
      const double from_y = std::cos(angle) * (y - 2) - std::sin(angle) * (x - 2) + 2;
      const double from_x = std::sin(angle) * (y - 2) + std::cos(angle) * (x - 2) + 2;
      EXPECT_NEAR(out[y * 5 + x], 10 * from_y + from_x, 1e-4);
    }
  }
}

TEST(Augment, DrawsCoverTheirRangesEvenly) {
  AugmentConfig config;
  config.flip = config.vertical_flip = true;
  config.rotation = 30;
  config.shift = 2;
  config.random_crop = {8, 6};
  const RandomKey key = random_key(1, Purpose::kAugment);
  constexpr int kDraws = 5000;
  int flips = 0, vertical = 0, shifts[5] = {}, crops[3] = {};
  double largest = 0, sum = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const Augmentation a = draw_augmentation(config, key, i, {1, 3, 10, 6});
    flips += a.flip;
    vertical += a.vertical_flip;
    ASSERT_LE(std::abs(a.dy), 2);
    ASSERT_LE(std::abs(a.dx), 2);
    ++shifts[a.dy + 2];
    ASSERT_LE(a.crop_y, 2);
    ++crops[a.crop_y];
    EXPECT_EQ(a.crop_x, 0);
    const double degrees = std::atan2(a.sine, a.cosine) * 180 / 3.14159265358979;
    largest = std::max(largest, std::abs(degrees));
    sum += degrees;
  }
  // Five standard deviations of each count.
  EXPECT_NEAR(flips, kDraws / 2, 5 * 36);
  EXPECT_NEAR(vertical, kDraws / 2, 5 * 36);
  for (const int count : shifts) EXPECT_NEAR(count, kDraws / 5, 5 * 29);
  for (const int count : crops) EXPECT_NEAR(count, kDraws / 3, 5 * 34);
  EXPECT_LE(largest, 30.001);
  EXPECT_GT(largest, 29);
  EXPECT_NEAR(sum / kDraws, 0, 5 * 0.25);
}

TEST(Prefetcher, AllocatesNothingOnceItRuns) {
  if (!MallocCount::supported()) GTEST_SKIP() << "a sanitizer owns malloc; not counted here";
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = 100;
  config.augment.rotation = 5;
  config.augment.flip = true;
  const auto source = open_data(config, 1);
  Prefetcher prefetcher(*source, {.batch = 16, .threads = 2, .depth = 4});
  for (int i = 0; i < 8; ++i) prefetcher.next();
  const MallocCount count;
  for (int i = 0; i < 50; ++i) prefetcher.next();
  EXPECT_EQ(count.count(), 0);
}

}  // namespace
}  // namespace gantry
