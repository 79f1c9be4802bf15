// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/png.h"
#include "train/classifier.h"
#include "train/data/config.h"

namespace gantry {

// How generated samples lie about the modes of their data: a mode is found when a good sample
// belongs to it.
struct ModeCoverage {
  int64_t modes = 0, found = 0;
  int64_t samples = 0;
  double good = 0;  // share of good samples
  double kl = 0;    // KL(modes of the good samples || uniform), nats; 0 where none is good
  std::vector<int64_t> counts;  // good samples per mode
};

// `mode_of`: the mode of each sample; negative: it is not good.
ModeCoverage coverage_of(int64_t modes, const std::vector<int64_t>& mode_of);

// Points about the Gaussians of a ring or grid (Srivastava et al. 2017, VEEGAN, 4.1): one is good
// within 3 standard deviations of the nearest mean. `points`: n x 2. `data` has the source ring or
// grid.
ModeCoverage mode_coverage(const DataConfig& data, const std::vector<float>& points);

// The modes of stacked MNIST (train/data/stacked.h) as a classifier of single digits names them,
// channel by channel (Metz et al. 2017, 3.3.1).
class StackedModes {
 public:
  // Throws ConfigError where the classifier does not take one channel of `sample` (n = 1), or does
  // not know ten classes.
  StackedModes(Classifier& classifier, const Shape& sample);

  // The mode of each of `images`, NHWC, whose black and white are those of `range`.
  std::vector<int64_t> of(const std::vector<float>& images, const ValueRange& range);

 private:
  Classifier& classifier_;
};

}  // namespace gantry
