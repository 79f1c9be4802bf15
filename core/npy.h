// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace gantry {

// Writes a NumPy array file (format 1.0, little-endian float32, C order), durably. IoError.
void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape,
               std::span<const float> values);

}  // namespace gantry
