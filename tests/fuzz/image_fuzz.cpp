// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "train/data/image_codec.h"
#include "train/data/resample.h"

// PNG and JPEG, down to the pixels: decoded within the limit, or refused with a DataError.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gantry::DecodeOptions options = {.background = {1, 2, 3}, .most_pixels = 1 << 16};
  try {
    const gantry::Image image = gantry::decode_image({data, size}, "x", options);
    const auto pixels = static_cast<size_t>(image.width * image.height);
    if (image.pixels.size() != pixels * static_cast<size_t>(image.channels)) __builtin_trap();
    if (image.channels != 1 && image.channels != 3) __builtin_trap();
    gantry::resize(image, 5, 7, gantry::ImageFit::kCover);
  } catch (const gantry::DataError&) {
  }
  return 0;
}
