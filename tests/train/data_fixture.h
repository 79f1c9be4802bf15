// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/philox.h"
#include "tests/core/scratch_folder.h"
#include "train/data/source.h"

namespace gantry::testing {

inline void write_bytes(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  write_bytes(path, std::vector<uint8_t>(text.begin(), text.end()));
}

// `count` bytes that look random but are the same each time.
inline std::vector<uint8_t> noise(size_t count, uint32_t id = 0) {
  const RandomKey key = random_key(42, Purpose::kSynthetic, id);
  std::vector<uint8_t> bytes(count);
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<uint8_t>(random_block(key, 0, 0, static_cast<uint32_t>(i)).v[0]);
  }
  return bytes;
}

// An IDX file of unsigned bytes.
inline std::vector<uint8_t> idx_file(const std::vector<uint32_t>& axes,
                                     const std::vector<uint8_t>& values) {
  std::vector<uint8_t> bytes = {0, 0, 8, static_cast<uint8_t>(axes.size())};
  for (const uint32_t axis : axes) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(axis >> shift));
  }
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

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
