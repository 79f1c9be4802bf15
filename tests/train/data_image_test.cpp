// SPDX-License-Identifier: Apache-2.0
#include <turbojpeg.h>
#include <zlib.h>

#include <cmath>

#include "core/error.h"
#include "tests/train/data_fixture.h"
#include "train/data/image_codec.h"
#include "train/data/image_layout.h"
#include "train/data/resample.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::noise;
using Names = std::vector<std::string>;

void append(Bytes& bytes, uint32_t big_endian) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<uint8_t>(big_endian >> shift));
  }
}

void append_chunk(Bytes& png, const std::string& type, const Bytes& data) {
  append(png, static_cast<uint32_t>(data.size()));
  const size_t start = png.size();
  png.insert(png.end(), type.begin(), type.end());
  png.insert(png.end(), data.begin(), data.end());
  append(png, static_cast<uint32_t>(
                  crc32(0, png.data() + start, static_cast<uInt>(png.size() - start))));
}

constexpr uint8_t kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6;

// A PNG of one row, written by hand so that any depth and colour type can be had.
Bytes png_row(uint32_t width, uint8_t depth, uint8_t type, const Bytes& row,
              const Bytes& palette = {}, const Bytes& transparency = {}) {
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes header;
  append(header, width);
  append(header, 1);
  header.insert(header.end(), {depth, type, 0, 0, 0});
  append_chunk(png, "IHDR", header);
  if (!palette.empty()) append_chunk(png, "PLTE", palette);
  if (!transparency.empty()) append_chunk(png, "tRNS", transparency);
  Bytes raw = {0};
  raw.insert(raw.end(), row.begin(), row.end());
  Bytes packed(compressBound(raw.size()));
  uLongf size = packed.size();
  compress(packed.data(), &size, raw.data(), raw.size());
  packed.resize(size);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", {});
  return png;
}

Image decode(const Bytes& bytes, const DecodeOptions& options = {}) {
  return decode_image(bytes, "x", options);
}

TEST(Png, EveryKindBecomesEightBitGreyOrColor) {
  EXPECT_EQ(decode(png_row(2, 8, kGrey, {7, 200})).pixels, (Bytes{7, 200}));
  EXPECT_EQ(decode(png_row(4, 2, kGrey, {0b00011011})).pixels, (Bytes{0, 85, 170, 255}));
  // 16 bits: round(v / 257). 0x8080 = 128 * 257; 0x0081 = 129 is half a step up from 0.
  EXPECT_EQ(decode(png_row(3, 16, kGrey, {0x80, 0x80, 0, 0x80, 0, 0x81})).pixels,
            (Bytes{128, 0, 1}));
  const Image palette = decode(png_row(2, 8, kPalette, {1, 0}, {10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(palette.channels, 3);
  EXPECT_EQ(palette.pixels, (Bytes{40, 50, 60, 10, 20, 30}));
  EXPECT_EQ(decode(png_row(1, 8, kRgb, {1, 2, 3})).pixels, (Bytes{1, 2, 3}));
}

TEST(Png, AlphaGoesOverTheBackground) {
  const Bytes rgba = png_row(3, 8, kRgba, {10, 20, 30, 255, 10, 20, 30, 0, 100, 100, 100, 51});
  EXPECT_EQ(decode(rgba).pixels, (Bytes{10, 20, 30, 255, 255, 255, 224, 224, 224}));
  EXPECT_EQ(decode(rgba, {.background = {0, 0, 255}}).pixels,
            (Bytes{10, 20, 30, 0, 0, 255, 20, 20, 224}));
  const Bytes grey = png_row(2, 8, kGreyAlpha, {100, 255, 100, 0});
  EXPECT_EQ(decode(grey).pixels, (Bytes{100, 255}));
  EXPECT_EQ(decode(grey, {.background = {1, 2, 3}}).pixels, (Bytes{100, 100, 100, 1, 2, 3}));
  const Bytes key = png_row(2, 8, kPalette, {0, 1}, {9, 9, 9, 8, 8, 8}, {255, 0});
  EXPECT_EQ(decode(key).pixels, (Bytes{9, 9, 9, 255, 255, 255}));
}

Bytes jpeg(int width, int height, TJPF format, TJSAMP sampling, const Bytes& pixels) {
  tjhandle turbo = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  tjCompress2(turbo, pixels.data(), width, 0, height, format, &out, &size, sampling, 100, 0);
  Bytes bytes(out, out + size);
  tjFree(out);
  tjDestroy(turbo);
  return bytes;
}

TEST(Jpeg, GreyColorAndInks) {
  const Image grey = decode(jpeg(8, 8, TJPF_GRAY, TJSAMP_GRAY, Bytes(64, 77)));
  EXPECT_EQ(grey, Image(8, 8, 1, 77));
  Bytes red;
  for (int i = 0; i < 64; ++i) red.insert(red.end(), {200, 10, 30});
  const Image color = decode(jpeg(8, 8, TJPF_RGB, TJSAMP_444, red));
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(color.pixels[i], red[i], 2);
  // turbojpeg writes Adobe's marker, with which the values are inverted: 255 is no ink.
  Bytes inks;
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {255, 128, 0, 255});
  const Image cmyk = decode(jpeg(8, 8, TJPF_CMYK, TJSAMP_444, inks));
  EXPECT_EQ(cmyk.channels, 3);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(cmyk.pixels[i], inks[i], 3);
}

TEST(Jpeg, OrientationIsApplied) {
  // Left half dark, right half light, 16 x 8.
  Bytes pixels;
  for (int i = 0; i < 128; ++i) pixels.push_back(i % 16 < 8 ? 20 : 220);
  const Bytes plain = jpeg(16, 8, TJPF_GRAY, TJSAMP_GRAY, pixels);
  const auto oriented = [&](uint8_t orientation) {
    Bytes exif = {'E',  'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42,          0, 0, 0, 8, 0, 1,
                  0x01, 0x12, 0,   3,   0, 0, 0,   1,   0, orientation, 0, 0, 0, 0, 0, 0};
    Bytes bytes = {0xff, 0xd8, 0xff, 0xe1, 0, static_cast<uint8_t>(exif.size() + 2)};
    bytes.insert(bytes.end(), exif.begin(), exif.end());
    bytes.insert(bytes.end(), plain.begin() + 2, plain.end());
    return decode(bytes);
  };
  const auto corner = [](const Image& image, bool right, bool bottom) {
    return image.pixels[(bottom ? image.height - 1 : 0) * image.width +
                        (right ? image.width - 1 : 0)] > 128;
  };
  for (const uint8_t orientation : {1, 4}) EXPECT_TRUE(corner(oriented(orientation), true, false));
  for (const uint8_t orientation : {2, 3}) EXPECT_TRUE(corner(oriented(orientation), false, true));
  for (const uint8_t orientation : {5, 6}) {
    EXPECT_EQ(oriented(orientation).height, 16);
    EXPECT_TRUE(corner(oriented(orientation), false, true)) << int{orientation};
    EXPECT_FALSE(corner(oriented(orientation), true, false)) << int{orientation};
  }
  for (const uint8_t orientation : {7, 8}) {
    EXPECT_TRUE(corner(oriented(orientation), true, false)) << int{orientation};
    EXPECT_FALSE(corner(oriented(orientation), false, true)) << int{orientation};
  }
}

TEST(Jpeg, AnyCutIsRefused) {
  const Bytes whole = jpeg(32, 32, TJPF_GRAY, TJSAMP_GRAY, noise(1024));
  for (size_t size = 3; size < whole.size() - 2; size += 37) {
    message_of<DataError>(
        [&] { decode(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size))); });
  }
}

TEST(Resample, AgreesWithTheFormula) {
  Image image(13, 9, 3);
  image.pixels = noise(image.pixels.size());
  for (const auto& [height, width] : {std::pair{4, 5}, {9, 13}, {20, 17}, {1, 1}}) {
    const Image resized = resize(image, height, width, ImageFit::kStretch);
    const double sy = 9.0 / height, sx = 13.0 / width;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        double sum = 0, total = 0;
        for (int v = 0; v < 9; ++v) {
          for (int u = 0; u < 13; ++u) {
            const double wy = 1 - std::abs(v + 0.5 - (y + 0.5) * sy) / std::max(1.0, sy);
            const double wx = 1 - std::abs(u + 0.5 - (x + 0.5) * sx) / std::max(1.0, sx);
            const double weight = std::max(0.0, wy) * std::max(0.0, wx);
            sum += weight * image.pixels[(v * 13 + u) * 3 + 1];
            total += weight;
          }
        }
        EXPECT_NEAR(resized.pixels[(y * width + x) * 3 + 1], sum / total, 0.5001);
      }
    }
  }
}

TEST(Resample, CoverCropsAroundTheCentre) {
  Image image(12, 4, 1);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = i % 12 >= 4 && i % 12 < 8 ? 200 : 10;
  }
  EXPECT_EQ(resize(image, 4, 4, ImageFit::kCover), Image(4, 4, 1, 200));
  EXPECT_EQ(center_cut(image, 2, 4), Image(4, 2, 1, 200));
}

ImageLayout arrange(const Names& names, const Names& folders = {},
                    DataSplit split = DataSplit::kTrain) {
  return arrange_images(names, folders, split, "set");
}

std::vector<size_t> order(const ImageLayout& layout) {
  std::vector<size_t> indices;
  for (const auto& entry : layout.entries) indices.push_back(entry.index);
  return indices;
}

TEST(ImageLayout, FindsClassesSplitsAndWrappers) {
  const ImageLayout classes = arrange({"b/1.png", "a/2.png", "a/1.png"});
  EXPECT_EQ(classes.class_names, (Names{"a", "b"}));
  EXPECT_EQ(order(classes), (std::vector<size_t>{2, 1, 0}));
  EXPECT_EQ(classes.entries[2].label, 1);
  EXPECT_TRUE(arrange({"1.png", "2.png"}).class_names.empty());
  EXPECT_TRUE(arrange({"faces/1.png", "faces/2.png"}).class_names.empty());
  EXPECT_TRUE(arrange({"a/1.png", "b/1.png", "2.png"}).class_names.empty());
  const Names parts = {"w/train/a/1.png", "w/train/b/1.png", "w/val/a/2.png"};
  EXPECT_EQ(order(arrange(parts)), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(order(arrange(parts, {}, DataSplit::kTest)), (std::vector<size_t>{2}));
  EXPECT_EQ(order(arrange(parts, {}, DataSplit::kAll)), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(arrange(parts, {"w/", "w/train/"}, DataSplit::kAll).class_names, (Names{"a", "b"}));
}

TEST(ImageLayout, RefusesWhatIsAmbiguous) {
  EXPECT_NE(message_of<DataError>([] {
              arrange({"a/1.png"}, {"a", "b"});
            }).find("class folder b"),
            std::string::npos);
  message_of<DataError>([] { arrange({"a/1.png"}, {}, DataSplit::kTest); });
  message_of<DataError>([] { arrange({"test/1.png"}); });
}

}  // namespace
}  // namespace gantry
