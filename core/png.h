// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace gantry {

// Eight bits per value, rows from the top, channels innermost: 1 (grey) or 3 (red, green, blue).
struct Image {
  int64_t width = 0, height = 0, channels = 1;
  std::vector<uint8_t> pixels;

  Image() = default;
  Image(int64_t width, int64_t height, int64_t channels, uint8_t fill = 0);
  bool operator==(const Image&) const = default;
};

struct ValueRange {
  double low = -1, high = 1;
};

// floor(255 clamp((x - low) / (high - low), 0, 1) + 1/2): round half up, fixed range, never that
// of the values at hand. NaN gives 0.
uint8_t to_byte(double value, const ValueRange& range);

// One sample of an NHWC tensor. Of other channel counts than 1 and 3 the first is shown as grey.
Image to_image(const float* sample, int64_t height, int64_t width, int64_t channels,
               const ValueRange& range);

// Tiles of one size, left to right, top to bottom, `padding` pixels of `fill` between and around.
Image compose_grid(std::span<const Image> tiles, int64_t columns, int64_t padding = 2,
                   uint8_t fill = 0);
// Every pixel `factor` times in both directions, so that 28-pixel digits can be seen.
Image enlarge(const Image& image, int64_t factor);

// Same image, same bytes: no time or text chunks.
std::vector<uint8_t> encode_png(const Image& image);
void write_png(const std::filesystem::path& path, const Image& image);  // durable; IoError
// Grey or RGB, whatever the file has (palette, 16 bits, alpha on black). DataError naming `file`.
Image decode_png(std::span<const uint8_t> bytes, const std::string& file);

}  // namespace gantry
