// SPDX-License-Identifier: Apache-2.0
#include "core/png.h"

#include <gtest/gtest.h>
#include <webp/demux.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "core/animation.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

using testing::message_of;
using testing::ScratchFolder;

Image pattern(int64_t width, int64_t height, int64_t channels, int seed) {
  Image image(width, height, channels);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<uint8_t>(i * 7 + i / 11 * 31 + seed * 53);
  }
  return image;
}

TEST(Png, RoundTripIsExact) {
  for (const int64_t channels : {1, 3}) {
    const Image image = pattern(37, 19, channels, 1);
    const std::vector<uint8_t> bytes = encode_png(image);
    EXPECT_EQ(decode_png(bytes, "a.png"), image) << channels;
    EXPECT_EQ(encode_png(image), bytes);
  }
}

TEST(Png, DamagedBytesAreDataErrors) {
  const std::vector<uint8_t> whole = encode_png(pattern(20, 20, 3, 1));
  for (size_t length = 0; length < whole.size() - 12; length += 7) {  // the end mark may be lost
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + length);
    const std::string message = message_of<DataError>([&] { decode_png(cut, "a.png"); });
    EXPECT_EQ(message.find("a.png: "), 0u);
  }
  std::vector<uint8_t> huge = whole;  // width 0x7fffffff, and libpng checks the header's CRC
  std::memcpy(&huge[16], "\x7f\xff\xff\xff", 4);
  message_of<DataError>([&] { decode_png(huge, "a.png"); });
}

TEST(Png, BytesRoundHalfUpInAFixedRange) {
  struct Case {
    double value, low, high;
    int expected;
  };
  const Case cases[] = {
      {-1, -1, 1, 0},  {1, -1, 1, 255},        {0, -1, 1, 128},        {-7, -1, 1, 0},
      {9, -1, 1, 255}, {0.5 / 255, 0, 1, 1},   {0.499 / 255, 0, 1, 0}, {254.5, 0, 255, 255},
      {NAN, -1, 1, 0}, {INFINITY, -1, 1, 255}, {-INFINITY, -1, 1, 0},  {100, 0, 255, 100},
  };
  for (const Case& c : cases) EXPECT_EQ(to_byte(c.value, {c.low, c.high}), c.expected) << c.value;
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(to_byte(byte / 127.5 - 1, {-1, 1}), byte);
    EXPECT_EQ(to_byte(static_cast<float>(byte) / 255.0f, {0, 1}), byte);
  }
}

TEST(Png, ImagesOfTensors) {
  const float rgb[] = {-1, 0, 1, 1, -1, 0};
  EXPECT_EQ(to_image(rgb, 1, 2, 3, {-1, 1}).pixels,
            (std::vector<uint8_t>{0, 128, 255, 255, 0, 128}));
  EXPECT_EQ(to_image(rgb, 1, 3, 2, {-1, 1}).pixels, (std::vector<uint8_t>{0, 255, 0}));
}

TEST(Png, GridPlacesTiles) {
  const Image tiles[] = {Image(2, 1, 1, 10), Image(2, 1, 1, 20), Image(2, 1, 1, 30)};
  const Image grid = compose_grid(tiles, 2, 1, 5);
  EXPECT_EQ(grid.width, 7);
  EXPECT_EQ(grid.height, 5);
  EXPECT_EQ(grid.pixels, (std::vector<uint8_t>{5, 5,  5,  5, 5,  5,  5,  //
                                               5, 10, 10, 5, 20, 20, 5,  //
                                               5, 5,  5,  5, 5,  5,  5,  //
                                               5, 30, 30, 5, 5,  5,  5,  //
                                               5, 5,  5,  5, 5,  5,  5}));
  EXPECT_EQ(compose_grid(tiles, 8, 0).width, 6);
  EXPECT_EQ(enlarge(tiles[0], 3), Image(6, 3, 1, 10));
  EXPECT_EQ(enlarge(pattern(3, 2, 3, 1), 2).pixels[3 * 2], pattern(3, 2, 3, 1).pixels[3]);
}

struct Decoded {
  std::vector<Image> frames;  // RGB
  std::vector<int> ends_ms;
};

Decoded decode_animation(const std::vector<uint8_t>& bytes) {
  const WebPData data = {bytes.data(), bytes.size()};
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  options.color_mode = MODE_RGBA;
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(
      WebPAnimDecoderNew(&data, &options), WebPAnimDecoderDelete);
  Decoded result;
  WebPAnimInfo info = {};
  if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info)) return result;
  EXPECT_EQ(info.loop_count, info.frame_count > 1 ? 0u : 1u) << "loops for ever";
  uint8_t* pixels = nullptr;
  int end_ms = 0;
  while (WebPAnimDecoderHasMoreFrames(decoder.get()) &&
         WebPAnimDecoderGetNext(decoder.get(), &pixels, &end_ms)) {
    Image frame(info.canvas_width, info.canvas_height, 3);
    for (size_t i = 0; i < frame.pixels.size(); ++i) frame.pixels[i] = pixels[i / 3 * 4 + i % 3];
    result.frames.push_back(frame);
    result.ends_ms.push_back(end_ms);
  }
  return result;
}

TEST(Animation, FramesComeBackExactly) {
  const Image frames[] = {pattern(16, 10, 3, 1), pattern(16, 10, 3, 2), pattern(16, 10, 3, 3)};
  const std::vector<uint8_t> bytes = encode_animation(frames, {100, 500});
  const Decoded decoded = decode_animation(bytes);
  ASSERT_EQ(decoded.frames.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(decoded.frames[i], frames[i]) << i;
  EXPECT_EQ(decoded.ends_ms, (std::vector<int>{100, 200, 700}));
  EXPECT_EQ(encode_animation(frames, {100, 500}), bytes);
}

TEST(Animation, GreyFramesAndOneFrame) {
  const Image grey[] = {pattern(5, 5, 1, 1), pattern(5, 5, 1, 9)};
  const Decoded decoded = decode_animation(encode_animation(grey));
  ASSERT_EQ(decoded.frames.size(), 2u);
  EXPECT_EQ(decoded.frames[1].pixels[3 * 7 + 2], grey[1].pixels[7]);
  EXPECT_EQ(decode_animation(encode_animation({grey, 1})).frames.size(), 1u);
}

TEST(Animation, OfFilesKeepsFirstAndLast) {
  const ScratchFolder folder;
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < 7; ++i) {
    paths.push_back(folder / (std::to_string(i) + ".png"));
    write_png(paths.back(), pattern(6, 6, 3, i));
  }
  write_animation(folder / "a.webp", paths, {}, 3);
  const std::string bytes = read_file(folder / "a.webp");
  const Decoded decoded = decode_animation({bytes.begin(), bytes.end()});
  ASSERT_EQ(decoded.frames.size(), 3u);
  EXPECT_EQ(decoded.frames[0], pattern(6, 6, 3, 0));
  EXPECT_EQ(decoded.frames[1], pattern(6, 6, 3, 3));
  EXPECT_EQ(decoded.frames[2], pattern(6, 6, 3, 6));

  write_png(paths[2], pattern(9, 6, 3, 2));
  write_animation(folder / "a.webp", paths);
  const std::string mixed = read_file(folder / "a.webp");
  EXPECT_EQ(decode_animation({mixed.begin(), mixed.end()}).frames.size(), 6u);
}

}  // namespace
}  // namespace gantry
