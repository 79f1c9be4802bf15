// SPDX-License-Identifier: Apache-2.0
#include "core/png.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gantry {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 28;

png_image make_control(const Image& image) {
  png_image control = {};
  control.version = PNG_IMAGE_VERSION;
  control.width = static_cast<png_uint_32>(image.width);
  control.height = static_cast<png_uint_32>(image.height);
  control.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  return control;
}

}  // namespace

Image::Image(int64_t image_width, int64_t image_height, int64_t image_channels, uint8_t fill)
    : width(image_width),
      height(image_height),
      channels(image_channels),
      pixels(static_cast<size_t>(image_width * image_height * image_channels), fill) {}

uint8_t to_byte(double value, const ValueRange& range) {
  const double scaled = (value - range.low) / (range.high - range.low);
  if (!(scaled > 0)) return 0;  // NaN comes here too
  return static_cast<uint8_t>(std::floor(255.0 * std::min(scaled, 1.0) + 0.5));
}

Image to_image(const float* sample, int64_t height, int64_t width, int64_t channels,
               const ValueRange& range) {
  const int64_t shown = channels == 3 ? 3 : 1;
  Image image(width, height, shown);
  for (int64_t pixel = 0; pixel < width * height; ++pixel) {
    for (int64_t c = 0; c < shown; ++c) {
      image.pixels[pixel * shown + c] = to_byte(sample[pixel * channels + c], range);
    }
  }
  return image;
}

Image compose_grid(std::span<const Image> tiles, int64_t columns, int64_t padding, uint8_t fill) {
  GANTRY_CHECK(!tiles.empty() && columns > 0 && padding >= 0, tiles.size(), " tiles in ", columns,
               " columns");
  const Image& first = tiles[0];
  const int64_t count = static_cast<int64_t>(tiles.size());
  const int64_t across = std::min(columns, count), down = (count + columns - 1) / columns;
  const int64_t step_x = first.width + padding, step_y = first.height + padding;
  Image grid(across * step_x + padding, down * step_y + padding, first.channels, fill);
  for (int64_t i = 0; i < count; ++i) {
    const Image& tile = tiles[i];
    GANTRY_CHECK(
        tile.width == first.width && tile.height == first.height && tile.channels == first.channels,
        "tile ", i, " is of another size");
    const int64_t left = padding + i % columns * step_x, top = padding + i / columns * step_y;
    for (int64_t y = 0; y < tile.height; ++y) {
      std::copy_n(&tile.pixels[y * tile.width * tile.channels], tile.width * tile.channels,
                  &grid.pixels[((top + y) * grid.width + left) * grid.channels]);
    }
  }
  return grid;
}

Image enlarge(const Image& image, int64_t factor) {
  GANTRY_CHECK(factor >= 1, "factor ", factor);
  Image large(image.width * factor, image.height * factor, image.channels);
  const int64_t row_bytes = large.width * large.channels;
  for (int64_t y = 0; y < large.height; ++y) {
    uint8_t* row = &large.pixels[y * row_bytes];
    for (int64_t x = 0; x < large.width; ++x) {
      std::copy_n(&image.pixels[(y / factor * image.width + x / factor) * image.channels],
                  image.channels, row + x * image.channels);
    }
  }
  return large;
}

std::vector<uint8_t> encode_png(const Image& image) {
  GANTRY_CHECK(
      image.width > 0 && image.height > 0 && (image.channels == 1 || image.channels == 3) &&
          image.pixels.size() == static_cast<size_t>(image.width * image.height * image.channels),
      image.width, "x", image.height, "x", image.channels);
  png_image control = make_control(image);
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(control);
  std::vector<uint8_t> encoded(bytes);
  const int done = png_image_write_to_memory(&control, encoded.data(), &bytes, 0,
                                             image.pixels.data(), 0, nullptr);
  GANTRY_CHECK(done != 0, "libpng: ", control.message);
  encoded.resize(bytes);
  return encoded;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, std::span<const uint8_t>(encode_png(image)));
}

Image decode_png(std::span<const uint8_t> bytes, const std::string& file) {
  png_image control = {};
  control.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&control, bytes.data(), bytes.size())) {
    throw DataError(concat(file, ": not a readable PNG image: ", control.message));
  }
  const int64_t width = control.width, height = control.height;
  if (width * height > kMostPixels) {
    png_image_free(&control);
    throw DataError(
        concat(file, ": is ", width, " x ", height, " pixels; at most ", kMostPixels, " are read"));
  }
  const bool color = (control.format & PNG_FORMAT_FLAG_COLOR) != 0;
  control.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Image image(width, height, color ? 3 : 1);
  const png_color black = {0, 0, 0};
  if (!png_image_finish_read(&control, &black, image.pixels.data(), 0, nullptr)) {
    throw DataError(concat(file, ": damaged PNG image: ", control.message));
  }
  return image;
}

}  // namespace gantry
