// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/atomic_file.h"

namespace gantry {

// Writes a NumPy array file (format 1.0, little-endian float32, C order) part by part, durably:
// nothing stands under its name before commit(). IoError.
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, const std::vector<int64_t>& shape);

  void write(std::span<const float> values);
  void commit();  // once there are as many values as the shape says

 private:
  AtomicFile file_;
  int64_t missing_ = 1;  // values
};

}  // namespace gantry
