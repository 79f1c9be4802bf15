// SPDX-License-Identifier: Apache-2.0
#include "train/mode_coverage.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/data/sample_set.h"
#include "train/data/synthetic.h"

namespace gantry {
namespace {

DataConfig ring() {
  DataConfig data;
  data.source = DataSourceKind::kRing;
  data.modes = 8;
  data.spread = 0.05;
  return data;
}

TEST(ModeCoverage, RealPointsCoverAllModesAndNearlyAllAreGood) {
  for (const DataSourceKind source : {DataSourceKind::kRing, DataSourceKind::kGrid}) {
    DataConfig data = ring();
    data.source = source;
    data.modes = source == DataSourceKind::kRing ? 8 : 5;
    const ModeCoverage found = mode_coverage(data, make_gaussians(data).reals);
    EXPECT_EQ(found.modes, source == DataSourceKind::kRing ? 8 : 25);
    EXPECT_EQ(found.found, found.modes);
    // A plane's Gaussian has exp(-9/2) = 1.1 % of its mass beyond 3 standard deviations.
    EXPECT_NEAR(found.good, 1 - std::exp(-4.5), 0.005);
    EXPECT_NEAR(found.kl, 0, 1e-3);
  }
}

TEST(ModeCoverage, OnlyGoodSamplesFindAMode) {
  const DataConfig data = ring();
  const auto means = gaussian_means(data);
  const auto at = [&](size_t mode, double off) {
    return std::vector<float>{static_cast<float>(means[mode][0] + off * data.spread),
                              static_cast<float>(means[mode][1])};
  };
  std::vector<float> points;
  for (const auto& point : {at(0, 0), at(0, 2.9), at(3, -2.9), at(5, 3.1)}) {
    points.insert(points.end(), point.begin(), point.end());
  }
  const ModeCoverage found = mode_coverage(data, points);
  EXPECT_EQ(found.samples, 4);
  EXPECT_EQ(found.found, 2);
  EXPECT_EQ(found.counts, (std::vector<int64_t>{2, 0, 0, 1, 0, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(found.good, 0.75);
  EXPECT_NEAR(found.kl, 2.0 / 3 * std::log(2.0 / 3 * 8) + 1.0 / 3 * std::log(1.0 / 3 * 8), 1e-12);
}

TEST(ModeCoverage, NothingGoodIsNoCoverage) {
  const ModeCoverage found = mode_coverage(ring(), {0, 0, 9, 9});
  EXPECT_EQ(found.found, 0);
  EXPECT_EQ(found.good, 0);
  EXPECT_EQ(found.kl, 0);
}

}  // namespace
}  // namespace gantry
