// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/philox.h"

// Files of bytes, good ones.
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

}  // namespace gantry::testing
