// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

// Files to be damaged.
namespace gantry::testing {

using Bytes = std::vector<uint8_t>;
using Members = std::vector<std::pair<std::string, Bytes>>;

Bytes gzip(const Bytes& bytes);
Bytes png(int64_t side = 4);
// A PNG whose header promises other sides; the checksum of the header is right.
Bytes png_claiming(uint32_t side);
void write_archive(const std::filesystem::path& path, const Members& members, bool zip);
// A npy file with this header and so many bytes of zeros.
Bytes npy(const std::string& header, size_t values);
void put(Bytes& bytes, size_t at, uint32_t big_endian);
Bytes cut(Bytes bytes, size_t size);

}  // namespace gantry::testing
