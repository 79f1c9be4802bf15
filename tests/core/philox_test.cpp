// SPDX-License-Identifier: Apache-2.0
#include "core/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace gantry {
namespace {

std::vector<uint32_t> words(const PhiloxBlock& block) { return {block.v, block.v + 4}; }

// Known answers of philox4x32-10 in Random123 (kat_vectors).
TEST(Philox, GivesThePublishedVectors) {
  EXPECT_EQ(words(philox4x32({{0, 0, 0, 0}}, 0, 0)),
            (std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(words(philox4x32({{ones, ones, ones, ones}}, ones, ones)),
            (std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      words(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0)),
      (std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryPartOfTheKeyMatters) {
  std::set<std::pair<uint32_t, uint32_t>> keys;
  const auto add = [&](RandomKey key) { keys.insert({key.key0, key.key1}); };
  const uint64_t seeds[] = {0, 1, uint64_t{1} << 32, ~uint64_t{0}};
  for (const uint64_t seed : seeds)
    for (uint32_t purpose = 1; purpose <= 13; ++purpose)
      for (uint32_t id = 0; id < 20; ++id) add(random_key(seed, static_cast<Purpose>(purpose), id));
  EXPECT_EQ(keys.size(), 4u * 13 * 20);
}

TEST(Philox, EveryPartOfTheCounterMatters) {
  const RandomKey key = random_key(7, Purpose::kLatent);
  std::set<std::vector<uint32_t>> blocks;
  const uint64_t steps[] = {0, 1, uint64_t{1} << 32};
  for (const uint64_t step : steps)
    for (uint32_t sample = 0; sample < 10; ++sample)
      for (uint32_t quad = 0; quad < 10; ++quad)
        blocks.insert(words(random_block(key, step, sample, quad)));
  EXPECT_EQ(blocks.size(), 300u);
}

TEST(Philox, UniformStaysBelowOne) {
  EXPECT_EQ(uniform01(0), 0.0f);
  EXPECT_LT(uniform01(0xffffffff), 1.0f);
  EXPECT_EQ(uniform01(0x80000000), 0.5f);
}

TEST(Philox, NormalIsFiniteAtTheEnds) {
  for (const uint32_t a : {0u, 1u, 0x80000000u, 0xffffffffu}) {
    for (const uint32_t b : {0u, 0x40000000u, 0x80000000u, 0xffffffffu}) {
      float first, second;
      normal_pair(a, b, &first, &second);
      EXPECT_TRUE(std::isfinite(first) && std::isfinite(second));
      EXPECT_LE(std::hypot(first, second), 6.7f);
    }
  }
}

// Draws as a run makes them: 64 steps x 64 samples x 256 elements.
template <typename Use>
void for_each_block(const Use& use) {
  const RandomKey key = random_key(42, Purpose::kLatent);
  for (uint64_t step = 0; step < 64; ++step)
    for (uint32_t sample = 0; sample < 64; ++sample)
      for (uint32_t quad = 0; quad < 64; ++quad) use(random_block(key, step, sample, quad));
}

constexpr double kDraws = 64.0 * 64 * 256;

// Chi-square of 256 equal bins: mean 255, deviation sqrt(510) = 22.6; five deviations allowed.
TEST(Philox, UniformIsUniform) {
  std::vector<double> bins(256);
  double sum = 0;
  for_each_block([&](const PhiloxBlock& block) {
    for (const uint32_t word : block.v) {
      const float u = uniform01(word);
      bins[static_cast<size_t>(u * 256)] += 1;
      sum += static_cast<double>(u);
    }
  });
  double chi_square = 0;
  const double expected = kDraws / 256;
  for (const double count : bins) chi_square += (count - expected) * (count - expected) / expected;
  EXPECT_NEAR(chi_square, 255, 5 * std::sqrt(510.0));
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
}

// Kolmogorov and Smirnov: D sqrt(n) above 1.95 has probability 0.001 for a true normal.
TEST(Philox, NormalIsNormal) {
  std::vector<double> draws;
  double product = 0;
  for_each_block([&](const PhiloxBlock& block) {
    float z[4];
    normal_pair(block.v[0], block.v[1], &z[0], &z[1]);
    normal_pair(block.v[2], block.v[3], &z[2], &z[3]);
    for (const float value : z) draws.push_back(static_cast<double>(value));
    product += static_cast<double>(z[0]) * static_cast<double>(z[1]);
  });
  ASSERT_EQ(static_cast<double>(draws.size()), kDraws);
  double sum = 0, square = 0, fourth = 0;
  for (const double z : draws) {
    sum += z;
    square += z * z;
    fourth += z * z * z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(square / kDraws, 1, 5 * std::sqrt(2 / kDraws));
  EXPECT_NEAR(fourth / kDraws, 3, 5 * std::sqrt(96 / kDraws));
  EXPECT_NEAR(product / (kDraws / 4), 0, 5 / std::sqrt(kDraws / 4));

  std::sort(draws.begin(), draws.end());
  double distance = 0;
  for (size_t i = 0; i < draws.size(); ++i) {
    const double share = 0.5 * std::erfc(-draws[i] / std::sqrt(2.0));
    const double low = static_cast<double>(i) / kDraws, high = static_cast<double>(i + 1) / kDraws;
    distance = std::max({distance, std::fabs(share - low), std::fabs(share - high)});
  }
  EXPECT_LT(distance * std::sqrt(kDraws), 1.95);
}

// Runs, checkpoints and other implementations count on these very numbers.
TEST(Philox, DrawsArePinned) {
  const RandomKey key = random_key(1, Purpose::kLatent, 2);
  EXPECT_EQ(key.key0, 3982558351u);
  EXPECT_EQ(key.key1, 2182075304u);
  EXPECT_EQ(words(random_block(key, 3, 4, 5)),
            (std::vector<uint32_t>{2131545464, 3962218114, 1309817336, 265192482}));
}

}  // namespace
}  // namespace gantry
