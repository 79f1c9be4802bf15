// SPDX-License-Identifier: Apache-2.0
#include "train/data/resample.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace gantry {
namespace {

// Output value i is the sum of weights[i * taps + k] times input value first[i] + k.
struct Taps {
  int64_t taps = 0;
  std::vector<int64_t> first;
  std::vector<float> weights;
};

Taps triangle_taps(int64_t input, int64_t output, double start, double length) {
  const double scale = length / static_cast<double>(output);
  const double support = std::max(scale, 1.0);
  Taps result;
  result.taps = std::min<int64_t>(input, static_cast<int64_t>(std::ceil(2 * support)) + 1);
  for (int64_t i = 0; i < output; ++i) {
    const double center = start + (static_cast<double>(i) + 0.5) * scale;
    const auto lowest = static_cast<int64_t>(std::floor(center - support));
    const int64_t first = std::clamp<int64_t>(lowest, 0, input - result.taps);
    std::vector<double> weights;
    double sum = 0;
    for (int64_t k = 0; k < result.taps; ++k) {
      const double distance = (static_cast<double>(first + k) + 0.5 - center) / support;
      weights.push_back(std::max(0.0, 1.0 - std::abs(distance)));
      sum += weights.back();
    }
    result.first.push_back(first);
    for (const double weight : weights) result.weights.push_back(static_cast<float>(weight / sum));
  }
  return result;
}

std::vector<float> resample_rows(const Image& image, const Taps& taps, int64_t width) {
  const int64_t channels = image.channels;
  std::vector<float> rows(static_cast<size_t>(image.height * width * channels));
  float* out = rows.data();
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = &image.pixels[y * image.width * channels];
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t k = 0; k < taps.taps; ++k) {
        const float weight = taps.weights[x * taps.taps + k];
        const uint8_t* pixel = &row[(taps.first[x] + k) * channels];
        for (int64_t c = 0; c < channels; ++c) out[c] += weight * static_cast<float>(pixel[c]);
      }
      out += channels;
    }
  }
  return rows;
}

}  // namespace

uint8_t luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

Image center_cut(const Image& image, int64_t height, int64_t width) {
  const int64_t top = (image.height - height) / 2, left = (image.width - width) / 2;
  Image cut(width, height, image.channels);
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(&image.pixels[((top + y) * image.width + left) * image.channels],
                width * image.channels, &cut.pixels[y * width * image.channels]);
  }
  return cut;
}

Image resize(const Image& image, int64_t height, int64_t width, ImageFit fit) {
  const auto input_h = static_cast<double>(image.height),
             input_w = static_cast<double>(image.width);
  double box_h = input_h, box_w = input_w;
  if (fit == ImageFit::kCover) {
    const double scale =
        std::min(input_h / static_cast<double>(height), input_w / static_cast<double>(width));
    box_h = scale * static_cast<double>(height);
    box_w = scale * static_cast<double>(width);
  }
  const Taps across = triangle_taps(image.width, width, (input_w - box_w) / 2, box_w);
  const Taps down = triangle_taps(image.height, height, (input_h - box_h) / 2, box_h);
  const std::vector<float> rows = resample_rows(image, across, width);
  const int64_t stride = width * image.channels;
  Image resized(width, height, image.channels);
  std::vector<float> sums(static_cast<size_t>(stride));
  for (int64_t y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 0.0f);
    for (int64_t k = 0; k < down.taps; ++k) {
      const float weight = down.weights[y * down.taps + k];
      const float* row = &rows[(down.first[y] + k) * stride];
      for (int64_t i = 0; i < stride; ++i) sums[i] += weight * row[i];
    }
    uint8_t* out = &resized.pixels[y * stride];
    for (int64_t i = 0; i < stride; ++i) {
      out[i] = static_cast<uint8_t>(std::min(sums[i] + 0.5f, 255.0f));
    }
  }
  return resized;
}

}  // namespace gantry
