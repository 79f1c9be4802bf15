// SPDX-License-Identifier: Apache-2.0
#include "train/data/stacked.h"

#include <iomanip>

#include "core/error.h"
#include "core/host_parallel.h"
#include "core/philox.h"
#include "train/data/idx.h"

namespace gantry {
namespace {

void check_stacked_memory(const DataConfig& config, int64_t bytes_of_image) {
  const int64_t allowed = config.memory_mb * kMegabyte / bytes_of_image;
  if (config.samples <= allowed) return;
  throw MemoryError(concat(config.path, ": ", config.samples, " images take ",
                           config.samples / (kMegabyte / bytes_of_image) + 1,
                           " MB, but data.memory_mb = ", config.memory_mb,
                           "; raise it, or choose fewer data.samples"));
}

std::string mode_name(int64_t mode) {
  std::ostringstream out;
  out << std::setfill('0') << std::setw(kStackedChannels) << mode;
  return out.str();
}

}  // namespace

std::array<int64_t, kStackedChannels> stacked_digits(uint32_t i, int64_t digits) {
  const PhiloxBlock block = random_block(random_key(0, Purpose::kSynthetic, 2), 0, i, 0);
  std::array<int64_t, kStackedChannels> chosen;
  for (size_t c = 0; c < kStackedChannels; ++c) {
    chosen[c] = static_cast<int64_t>(uint64_t{block.v[c]} * static_cast<uint64_t>(digits) >> 32);
  }
  return chosen;
}

SampleSet load_stacked_mnist(const DataConfig& config) {
  DataConfig single = config;
  single.channels = 1;
  const SampleSet digits = load_mnist(single);
  validate(digits, config.path);
  const int64_t pixels = digits.sample.elements();
  check_stacked_memory(config, pixels * static_cast<int64_t>(kStackedChannels));
  SampleSet set;
  set.sample = digits.sample;
  set.sample.c = kStackedChannels;
  set.count = config.samples;
  set.bytes.resize(static_cast<size_t>(set.count * set.sample.elements()));
  set.labels.resize(static_cast<size_t>(set.count));
  host_parallel(set.labels.size(), [&](size_t i) {
    const auto chosen = stacked_digits(static_cast<uint32_t>(i), digits.count);
    uint8_t* const image = set.bytes.data() + i * static_cast<size_t>(pixels) * kStackedChannels;
    for (size_t c = 0; c < kStackedChannels; ++c) {
      const uint8_t* const digit = digits.bytes.data() + chosen[c] * pixels;
      for (int64_t p = 0; p < pixels; ++p) image[p * kStackedChannels + c] = digit[p];
      set.labels[i] = static_cast<int32_t>(kDigits * set.labels[i] +
                                           digits.labels[static_cast<size_t>(chosen[c])]);
    }
  });
  for (int64_t mode = 0; mode < kStackedModes; ++mode) set.class_names.push_back(mode_name(mode));
  set.description = "stacked MNIST";
  return set;
}

}  // namespace gantry
