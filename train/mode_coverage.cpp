// SPDX-License-Identifier: Apache-2.0
#include "train/mode_coverage.h"

#include <array>
#include <cmath>

#include "train/data/stacked.h"
#include "train/data/synthetic.h"

namespace gantry {

namespace {

// Index of the mean next to (x, y); -1: it is further than `most` from all of them.
int64_t nearest_mean(const std::vector<std::array<double, 2>>& means, double x, double y,
                     double most) {
  size_t nearest = 0;
  double nearest2 = INFINITY;
  for (size_t k = 0; k < means.size(); ++k) {
    const double dx = x - means[k][0], dy = y - means[k][1];
    if (dx * dx + dy * dy >= nearest2) continue;
    nearest = k;
    nearest2 = dx * dx + dy * dy;
  }
  return std::sqrt(nearest2) > most ? -1 : static_cast<int64_t>(nearest);
}

}  // namespace

ModeCoverage coverage_of(int64_t modes, const std::vector<int64_t>& mode_of) {
  ModeCoverage result;
  result.modes = modes;
  result.counts.resize(static_cast<size_t>(modes));
  result.samples = static_cast<int64_t>(mode_of.size());
  int64_t good = 0;
  for (const int64_t mode : mode_of) {
    if (mode < 0) continue;
    ++good;
    ++result.counts[static_cast<size_t>(mode)];
  }
  for (const int64_t count : result.counts) {
    if (count == 0) continue;
    ++result.found;
    const double share = static_cast<double>(count) / static_cast<double>(good);
    result.kl += share * std::log(share * static_cast<double>(modes));
  }
  if (result.samples > 0) {
    result.good = static_cast<double>(good) / static_cast<double>(result.samples);
  }
  return result;
}

ModeCoverage mode_coverage(const DataConfig& data, const std::vector<float>& points) {
  constexpr double kGood = 3;  // standard deviations
  const std::vector<std::array<double, 2>> means = gaussian_means(data);
  std::vector<int64_t> mode_of;
  for (size_t i = 0; i + 1 < points.size(); i += 2) {
    mode_of.push_back(nearest_mean(means, points[i], points[i + 1], kGood * data.spread));
  }
  return coverage_of(static_cast<int64_t>(means.size()), mode_of);
}

StackedModes::StackedModes(Classifier& classifier, const Shape& sample) : classifier_(classifier) {
  Shape channel = sample;
  channel.c = 1;
  if (classifier.sample() == channel && classifier.classes() == kDigits) return;
  throw ConfigError(concat("--classifier: it takes samples of ", to_string(classifier.sample()),
                           " (NxCxHxW) in ", classifier.classes(),
                           " classes; the channels of stacked MNIST, which it is to name, are ",
                           to_string(channel), " in ", kDigits));
}

std::vector<int64_t> StackedModes::of(const std::vector<float>& images, const ValueRange& range) {
  const auto pixels = static_cast<size_t>(classifier_.sample().elements());
  const size_t count = images.size() / (pixels * kStackedChannels);
  std::vector<int64_t> modes(count);
  std::vector<float> digits(count * pixels);
  for (size_t c = 0; c < kStackedChannels; ++c) {
    for (size_t i = 0; i < digits.size(); ++i) digits[i] = images[i * kStackedChannels + c];
    const std::vector<size_t> named = classifier_.classes_of(digits, range);
    for (size_t i = 0; i < count; ++i) {
      modes[i] = kDigits * modes[i] + static_cast<int64_t>(named[i]);
    }
  }
  return modes;
}

}  // namespace gantry
