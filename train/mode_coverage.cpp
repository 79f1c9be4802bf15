// SPDX-License-Identifier: Apache-2.0
#include "train/mode_coverage.h"

#include <algorithm>
#include <cmath>

#include "train/data/synthetic.h"

namespace gantry {

ModeCoverage mode_coverage(const DataConfig& data, const std::vector<float>& points) {
  constexpr double kGood = 3;  // standard deviations
  const std::vector<std::array<double, 2>> means = gaussian_means(data);
  ModeCoverage result;
  result.modes = static_cast<int64_t>(means.size());
  result.counts.resize(means.size());
  int64_t good = 0;
  for (size_t i = 0; i + 1 < points.size(); i += 2) {
    ++result.samples;
    size_t nearest = 0;
    double nearest2 = INFINITY;
    for (size_t k = 0; k < means.size(); ++k) {
      const double x = static_cast<double>(points[i]) - means[k][0];
      const double y = static_cast<double>(points[i + 1]) - means[k][1];
      if (x * x + y * y >= nearest2) continue;
      nearest = k;
      nearest2 = x * x + y * y;
    }
    if (std::sqrt(nearest2) > kGood * data.spread) continue;
    ++good;
    ++result.counts[nearest];
  }
  for (const int64_t count : result.counts) {
    if (count == 0) continue;
    ++result.found;
    const double share = static_cast<double>(count) / static_cast<double>(good);
    result.kl += share * std::log(share * static_cast<double>(means.size()));
  }
  if (result.samples > 0) {
    result.good = static_cast<double>(good) / static_cast<double>(result.samples);
  }
  return result;
}

}  // namespace gantry
