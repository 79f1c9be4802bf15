// SPDX-License-Identifier: Apache-2.0
#include "core/animation.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <memory>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gantry {
namespace {

// Middle of the road between size and time; 60 grids of 450 x 450 take about a second.
constexpr int kLosslessLevel = 3;

class Encoder {
 public:
  Encoder(int64_t width, int64_t height) : width_(width), height_(height) {
    WebPAnimEncoderOptions options;
    GANTRY_CHECK(WebPAnimEncoderOptionsInit(&options), "libwebp of another version");
    options.anim_params.loop_count = 0;
    encoder_.reset(WebPAnimEncoderNew(static_cast<int>(width), static_cast<int>(height), &options));
    GANTRY_CHECK(encoder_, "libwebp refuses ", width, "x", height);
    GANTRY_CHECK(WebPConfigInit(&config_) && WebPConfigLosslessPreset(&config_, kLosslessLevel),
                 "libwebp of another version");
  }

  void add(const Image& image, int64_t duration_ms) {
    GANTRY_CHECK(image.width == width_ && image.height == height_, "frame is ", image.width, "x",
                 image.height, ", the first is ", width_, "x", height_);
    WebPPicture picture;
    GANTRY_CHECK(WebPPictureInit(&picture), "libwebp of another version");
    const std::unique_ptr<WebPPicture, decltype(&WebPPictureFree)> guard(&picture, WebPPictureFree);
    picture.use_argb = 1;
    picture.width = static_cast<int>(width_);
    picture.height = static_cast<int>(height_);
    const std::vector<uint8_t> colors = image.channels == 1 ? as_rgb(image) : image.pixels;
    GANTRY_CHECK(WebPPictureImportRGB(&picture, colors.data(), picture.width * 3),
                 "libwebp is out of memory");
    GANTRY_CHECK(WebPAnimEncoderAdd(encoder_.get(), &picture, static_cast<int>(time_ms_), &config_),
                 WebPAnimEncoderGetError(encoder_.get()));
    time_ms_ += duration_ms;
  }

  std::vector<uint8_t> finish() {
    WebPData data;
    WebPDataInit(&data);
    const std::unique_ptr<WebPData, decltype(&WebPDataClear)> guard(&data, WebPDataClear);
    GANTRY_CHECK(WebPAnimEncoderAdd(encoder_.get(), nullptr, static_cast<int>(time_ms_), nullptr) &&
                     WebPAnimEncoderAssemble(encoder_.get(), &data),
                 WebPAnimEncoderGetError(encoder_.get()));
    return {data.bytes, data.bytes + data.size};
  }

 private:
  static std::vector<uint8_t> as_rgb(const Image& grey) {
    std::vector<uint8_t> colors;
    colors.reserve(grey.pixels.size() * 3);
    for (const uint8_t value : grey.pixels) colors.insert(colors.end(), 3, value);
    return colors;
  }

  int64_t width_, height_, time_ms_ = 0;
  std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder_{
      nullptr, WebPAnimEncoderDelete};
  WebPConfig config_;
};

Image read_frame(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  return decode_png({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, path.string());
}

}  // namespace

std::vector<uint8_t> encode_animation(std::span<const Image> frames,
                                      const AnimationTiming& timing) {
  GANTRY_CHECK(!frames.empty(), "an animation needs a frame");
  Encoder encoder(frames[0].width, frames[0].height);
  for (const Image& frame : frames.first(frames.size() - 1)) encoder.add(frame, timing.frame_ms);
  encoder.add(frames.back(), timing.last_frame_ms);
  return encoder.finish();
}

void write_animation(const std::filesystem::path& target,
                     std::span<const std::filesystem::path> frames, const AnimationTiming& timing,
                     size_t max_frames) {
  GANTRY_CHECK(!frames.empty(), "an animation needs a frame");
  const Image last = read_frame(frames.back());
  Encoder encoder(last.width, last.height);
  const size_t count = std::min(frames.size(), max_frames);
  for (size_t i = 0; i + 1 < count; ++i) {
    const Image frame = read_frame(frames[i * (frames.size() - 1) / (count - 1)]);
    const bool fits = frame.width == last.width && frame.height == last.height;
    if (fits) encoder.add(frame, timing.frame_ms);
  }
  encoder.add(last, timing.last_frame_ms);
  write_file_atomically(target, std::span<const uint8_t>(encoder.finish()));
}

}  // namespace gantry
