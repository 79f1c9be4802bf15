// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "train/data/config.h"

namespace gantry {

// How generated points lie about the Gaussians of a ring or grid (Srivastava et al. 2017, VEEGAN,
// 4.1): a sample is good within 3 standard deviations of the nearest mean, and a mode is found when
// a good sample is nearest to it.
struct ModeCoverage {
  int64_t modes = 0, found = 0;
  int64_t samples = 0;
  double good = 0;  // share of good samples
  double kl = 0;    // KL(modes of the good samples || uniform), nats; 0 where none is good
  std::vector<int64_t> counts;  // good samples per mode
};

// `points`: n x 2. `data` has the source ring or grid.
ModeCoverage mode_coverage(const DataConfig& data, const std::vector<float>& points);

}  // namespace gantry
