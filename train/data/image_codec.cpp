// SPDX-License-Identifier: Apache-2.0
#include "train/data/image_codec.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/error.h"

namespace gantry {

bool has_image_extension(const std::string& name) {
  const size_t dot = name.find_last_of("./");
  if (dot == std::string::npos || name[dot] != '.') return false;
  std::string ending = name.substr(dot + 1);
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == "png" || ending == "jpg" || ending == "jpeg";
}

void check_pixels(int64_t width, int64_t height, const std::string& file,
                  const DecodeOptions& options) {
  if (width <= 0 || height <= 0 || width > options.most_pixels / height) {
    throw DataError(concat(file, ": the header says ", width, " x ", height,
                           " pixels; looked for at least one and at most ", options.most_pixels));
  }
}

Image decode_image(ByteView bytes, const std::string& file, const DecodeOptions& options) {
  if (bytes.size() >= 8 && std::memcmp(bytes.data(), "\x89PNG\r\n\x1a\n", 8) == 0) {
    return decode_png_image(bytes, file, options);
  }
  if (bytes.size() >= 3 && std::memcmp(bytes.data(), "\xff\xd8\xff", 3) == 0) {
    return decode_jpeg_image(bytes, file, options);
  }
  throw DataError(
      concat(file, ": looked for a PNG or JPEG image, found ", describe_content(bytes)));
}

}  // namespace gantry
