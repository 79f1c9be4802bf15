// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "train/data/image_codec.h"

namespace gantry {
namespace {

// Everything that must survive a longjmp of libpng lives here, outside the frames it leaves.
struct PngReading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ByteView bytes;
  size_t position = 0;
  char reason[160] = "";
  int64_t width = 0, height = 0, channels = 0;
  size_t row_bytes = 0;
  Bytes pixels;
  std::vector<png_bytep> rows;

  ~PngReading() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp reason) {
  auto* reading = static_cast<PngReading*>(png_get_error_ptr(png));
  std::strncpy(reading->reason, reason, sizeof reading->reason - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, size_t count) {
  auto* reading = static_cast<PngReading*>(png_get_io_ptr(png));
  if (count > reading->bytes.size() - reading->position) png_error(png, "it ends too early");
  std::memcpy(out, reading->bytes.data() + reading->position, count);
  reading->position += count;
}

// The frames of the next two functions hold nothing that would need a destructor.
bool read_header(PngReading& reading) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  constexpr png_uint_32 kMostSide = 1000000;
  constexpr png_alloc_size_t kMostChunk = 8000000;
  png_set_user_limits(reading.png, kMostSide, kMostSide);
  png_set_chunk_malloc_max(reading.png, kMostChunk);
  png_set_chunk_cache_max(reading.png, 100);
  png_set_read_fn(reading.png, &reading, read_bytes);
  png_read_info(reading.png, reading.info);
  png_set_expand(reading.png);
  png_set_scale_16(reading.png);
  png_set_interlace_handling(reading.png);
  png_read_update_info(reading.png, reading.info);
  reading.width = png_get_image_width(reading.png, reading.info);
  reading.height = png_get_image_height(reading.png, reading.info);
  reading.channels = png_get_channels(reading.png, reading.info);
  reading.row_bytes = png_get_rowbytes(reading.png, reading.info);
  return true;
}

bool read_pixels(PngReading& reading) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  png_read_image(reading.png, reading.rows.data());
  png_read_end(reading.png, nullptr);
  return true;
}

uint8_t blend(int value, int background, int alpha) {
  return static_cast<uint8_t>((value * alpha + background * (255 - alpha) + 127) / 255);
}

Image without_alpha(const PngReading& reading, const std::array<uint8_t, 3>& background) {
  const int64_t stored = reading.channels;
  const bool alpha = stored == 2 || stored == 4;
  const bool grey_background = background[0] == background[1] && background[1] == background[2];
  const bool color = stored >= 3 || (alpha && !grey_background);
  Image image(reading.width, reading.height, color ? 3 : 1);
  const uint8_t* from = reading.pixels.data();
  uint8_t* to = image.pixels.data();
  for (int64_t i = 0; i < reading.width * reading.height; ++i, from += stored) {
    const int opacity = alpha ? from[stored - 1] : 255;
    for (int64_t c = 0; c < image.channels; ++c) {
      *to++ = blend(stored >= 3 ? from[c] : from[0], background[c], opacity);
    }
  }
  return image;
}

[[noreturn]] void refuse(const std::string& file, const PngReading& reading) {
  throw DataError(concat(file, ": damaged PNG image: ", reading.reason));
}

}  // namespace

Image decode_png_image(ByteView bytes, const std::string& file, const DecodeOptions& options) {
  PngReading reading;
  reading.bytes = bytes;
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error, on_warning);
  if (reading.png) reading.info = png_create_info_struct(reading.png);
  GANTRY_CHECK(reading.png && reading.info, "libpng does not start");
  if (!read_header(reading)) refuse(file, reading);
  check_pixels(reading.width, reading.height, file, options);
  // Deflate shrinks at most 1032 times, so a file too small for its header needs no memory. The
  // stored form may be narrower than the expanded one: 1 bit against 32.
  constexpr uint64_t kMostRatio = 1032 * 32;
  const uint64_t expanded = reading.row_bytes * static_cast<uint64_t>(reading.height);
  if (expanded / kMostRatio > bytes.size()) {
    throw DataError(concat(file, ": ", bytes.size(), " bytes cannot hold the ", reading.width,
                           " x ", reading.height, " pixels that the PNG header promises"));
  }
  reading.pixels.resize(expanded);
  for (int64_t y = 0; y < reading.height; ++y) {
    reading.rows.push_back(reading.pixels.data() + static_cast<size_t>(y) * reading.row_bytes);
  }
  if (!read_pixels(reading)) refuse(file, reading);
  return without_alpha(reading, options.background);
}

}  // namespace gantry
