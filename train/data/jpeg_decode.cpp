// SPDX-License-Identifier: Apache-2.0
#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <optional>

#include "core/error.h"
#include "train/data/image_codec.h"

namespace gantry {
namespace {

// What the segments before the image data say.
struct JpegMarks {
  bool adobe = false;
  int orientation = 1;
};

std::optional<uint32_t> read_number(ByteView bytes, size_t at, size_t count, bool big_endian) {
  if (at > bytes.size() || count > bytes.size() - at) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[at + (big_endian ? i : count - 1 - i)];
  }
  return value;
}

// Tag 0x0112 of the first directory of the TIFF structure after "Exif\0\0" (EXIF 2.32, 4.6.2);
// 1 (upright) for anything malformed: orientation is no reason to refuse an image.
int exif_orientation(ByteView tiff) {
  if (tiff.size() < 8) return 1;
  const bool big_endian = tiff[0] == 'M';
  const size_t directory = read_number(tiff, 4, 4, big_endian).value_or(0);
  const uint32_t entries = read_number(tiff, directory, 2, big_endian).value_or(0);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{i} * 12;
    const auto tag = read_number(tiff, entry, 2, big_endian);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    const uint32_t value = read_number(tiff, entry + 8, 2, big_endian).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

JpegMarks read_marks(ByteView bytes) {
  JpegMarks marks;
  size_t at = 2;
  while (at + 4 <= bytes.size() && bytes[at] == 0xff) {
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xff) {
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) break;
    const size_t length = size_t{bytes[at + 2]} << 8 | bytes[at + 3];
    if (length < 2 || length > bytes.size() - at - 2) break;
    const ByteView segment = bytes.subspan(at + 4, length - 2);
    if (marker == 0xee && segment.size() >= 5 && std::memcmp(segment.data(), "Adobe", 5) == 0) {
      marks.adobe = true;
    }
    if (marker == 0xe1 && segment.size() > 6 && std::memcmp(segment.data(), "Exif\0\0", 6) == 0) {
      marks.orientation = exif_orientation(segment.subspan(6));
    }
    at += 2 + length;
  }
  return marks;
}

Image rgb_of_cmyk(int64_t width, int64_t height, const Bytes& cmyk, bool inverted) {
  Image image(width, height, 3);
  for (size_t pixel = 0; pixel < cmyk.size() / 4; ++pixel) {
    const uint8_t* ink = &cmyk[pixel * 4];
    const int key = inverted ? ink[3] : 255 - ink[3];
    for (size_t c = 0; c < 3; ++c) {
      const int value = inverted ? ink[c] : 255 - ink[c];
      image.pixels[pixel * 3 + c] = static_cast<uint8_t>((value * key + 127) / 255);
    }
  }
  return image;
}

// Orientations of EXIF: 2 mirrored, 3 half turn, 4 mirrored half turn, 5 to 8 with rows and
// columns exchanged (5 transposed, 6 to be turned right, 7 transversed, 8 to be turned left).
Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool exchanged = orientation >= 5;
  Image turned(exchanged ? image.height : image.width, exchanged ? image.width : image.height,
               image.channels);
  for (int64_t y = 0; y < turned.height; ++y) {
    for (int64_t x = 0; x < turned.width; ++x) {
      int64_t from_y = exchanged ? x : y, from_x = exchanged ? y : x;
      const bool mirror_x =
          orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      const bool mirror_y =
          orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      if (mirror_x) from_x = image.width - 1 - from_x;
      if (mirror_y) from_y = image.height - 1 - from_y;
      std::memcpy(&turned.pixels[(y * turned.width + x) * image.channels],
                  &image.pixels[(from_y * image.width + from_x) * image.channels],
                  static_cast<size_t>(image.channels));
    }
  }
  return turned;
}

struct TurboCloser {
  void operator()(void* handle) const { tjDestroy(handle); }
};

void decompress(tjhandle turbo, ByteView bytes, const std::string& file, TJPF format, Bytes& out,
                int width, int height) {
  const int result = tjDecompress2(turbo, bytes.data(), bytes.size(), out.data(), width, 0, height,
                                   format, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  if (result == 0) return;
  const std::string reason = tjGetErrorStr2(turbo);
  // Padding between segments that some cameras write; the image is whole.
  const bool harmless = tjGetErrorCode(turbo) == TJERR_WARNING &&
                        reason.find("extraneous bytes") != std::string::npos;
  if (!harmless) throw DataError(concat(file, ": damaged JPEG image: ", reason));
}

}  // namespace

Image decode_jpeg_image(ByteView bytes, const std::string& file, const DecodeOptions& options) {
  const std::unique_ptr<void, TurboCloser> turbo(tjInitDecompress());
  GANTRY_CHECK(turbo, "turbojpeg does not start");
  int width = 0, height = 0, subsampling = 0, space = 0;
  if (tjDecompressHeader3(turbo.get(), bytes.data(), bytes.size(), &width, &height, &subsampling,
                          &space) != 0) {
    throw DataError(concat(file, ": damaged JPEG image: ", tjGetErrorStr2(turbo.get())));
  }
  if (width < 1 || height < 1) throw DataError(file + ": damaged JPEG image: it has no picture");
  check_pixels(width, height, file, options);
  const JpegMarks marks = read_marks(bytes);
  if (space == TJCS_CMYK || space == TJCS_YCCK) {
    Bytes cmyk(size_t{4} * static_cast<size_t>(width) * static_cast<size_t>(height));
    decompress(turbo.get(), bytes, file, TJPF_CMYK, cmyk, width, height);
    return upright(rgb_of_cmyk(width, height, cmyk, marks.adobe), marks.orientation);
  }
  const bool grey = space == TJCS_GRAY;
  Image image(width, height, grey ? 1 : 3);
  decompress(turbo.get(), bytes, file, grey ? TJPF_GRAY : TJPF_RGB, image.pixels, width, height);
  return upright(std::move(image), marks.orientation);
}

}  // namespace gantry
