// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/core/scratch_folder.h"
#include "tests/train/byte_files.h"
#include "train/data/source.h"

namespace gantry::testing {

struct Samples {
  std::vector<float> images, labels;
  bool operator==(const Samples&) const = default;
};

inline Samples read_samples(const DataSource& source, uint64_t first, int64_t count) {
  Samples samples;
  samples.images.resize(static_cast<size_t>(count * source.info().sample.elements()));
  if (source.info().classes > 0) samples.labels.resize(static_cast<size_t>(count));
  source.read(first, count, samples.images.data(),
              samples.labels.empty() ? nullptr : samples.labels.data());
  return samples;
}

// A folder below GANTRY_DATA; empty when the variable is not set.
inline std::filesystem::path real_data(const char* below) {
  const char* root = std::getenv("GANTRY_DATA");
  return root ? std::filesystem::path(root) / below : std::filesystem::path();
}

}  // namespace gantry::testing

#define GANTRY_REQUIRE_DATA(path)                                                                  \
  if ((path).empty() || !std::filesystem::exists(path)) {                                          \
    GTEST_SKIP() << "GANTRY_DATA is not set to a folder with the real data sets; not tested here"; \
  }
