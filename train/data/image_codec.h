// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/png.h"
#include "train/data/bytes.h"

namespace gantry {

struct DecodeOptions {
  std::array<uint8_t, 3> background = {255, 255, 255};
  int64_t most_pixels = int64_t{1} << 26;  // checked before anything is decoded
};

// A PNG or JPEG image, told apart by its first bytes, as grey (1 channel) or RGB (3), 8 bits:
// - palettes become RGB; grey of 1, 2, 4 bits is spread over 0..255;
// - 16 bits become 8 by round(v / 257); gamma and colour profiles are not applied;
// - alpha: round((a v + (255 - a) background) / 255); a grey image over a grey background stays
//   grey, over a coloured one it becomes RGB;
// - CMYK (and YCCK): R = C K / 255 for the inverted values that Adobe's marker announces,
//   (255 - C) (255 - K) / 255 without it;
// - JPEG: the orientation that EXIF asks for is applied.
// DataError naming `file` for anything that is not completely decodable.
Image decode_image(ByteView bytes, const std::string& file, const DecodeOptions& options);

// The two formats; decode_image calls them.
Image decode_png_image(ByteView bytes, const std::string& file, const DecodeOptions& options);
Image decode_jpeg_image(ByteView bytes, const std::string& file, const DecodeOptions& options);

// .png, .jpg or .jpeg in any case.
bool has_image_extension(const std::string& name);

void check_pixels(int64_t width, int64_t height, const std::string& file,
                  const DecodeOptions& options);

}  // namespace gantry
