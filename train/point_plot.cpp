// SPDX-License-Identifier: Apache-2.0
#include "train/point_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/error.h"

namespace gantry {
namespace {

constexpr int64_t kFigureSide = 560;
constexpr double kFrameLeft = 52, kFrameTop = 16, kFrame = 488;  // of the square within the picture

struct Color {
  double red, green, blue;
};
constexpr Color kRule{232, 235, 240}, kInk{96, 105, 120}, kData{170, 174, 182}, kDrawn{29, 88, 216};

void blend(Image& image, int64_t x, int64_t y, const Color& color, double cover) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height || cover <= 0) return;
  uint8_t* pixel = &image.pixels[static_cast<size_t>(3 * (y * image.width + x))];
  const double parts[] = {color.red, color.green, color.blue};
  for (size_t c = 0; c < 3; ++c) {
    pixel[c] = static_cast<uint8_t>(std::lround(pixel[c] + cover * (parts[c] - pixel[c])));
  }
}

void fill(Image& image, int64_t x, int64_t y, int64_t width, int64_t height, const Color& color) {
  for (int64_t row = y; row < y + height; ++row) {
    for (int64_t column = x; column < x + width; ++column) blend(image, column, row, color, 1);
  }
}

// A disc with a soft edge of one pixel.
void dot(Image& image, double x, double y, double radius, const Color& color, double opacity) {
  const auto reach = static_cast<int64_t>(std::ceil(radius)) + 1;
  const auto middle_x = static_cast<int64_t>(std::floor(x));
  const auto middle_y = static_cast<int64_t>(std::floor(y));
  for (int64_t row = middle_y - reach; row <= middle_y + reach; ++row) {
    for (int64_t column = middle_x - reach; column <= middle_x + reach; ++column) {
      const double distance =
          std::hypot(static_cast<double>(column) + 0.5 - x, static_cast<double>(row) + 0.5 - y);
      blend(image, column, row, color, opacity * std::clamp(radius + 0.5 - distance, 0.0, 1.0));
    }
  }
}

// Digits of 3 x 5 pixels, a bit for each from the top left.
constexpr std::array<uint16_t, 12> kGlyphRows = {075557, 026227, 071747, 071717, 055711, 074717,
                                                 074757, 071111, 075757, 075717, 000002, 000700};
constexpr int64_t kDot = 2, kAdvance = 4 * kDot, kTextHeight = 5 * kDot;

int64_t text_width(const std::string& text) {
  return static_cast<int64_t>(text.size()) * kAdvance - kDot;
}

void write(Image& image, int64_t x, int64_t y, const std::string& text) {
  for (const char c : text) {
    const uint16_t bits = kGlyphRows[c == '.' ? 10 : c == '-' ? 11 : static_cast<size_t>(c - '0')];
    for (int64_t bit = 0; bit < 15; ++bit) {
      if ((bits >> (14 - bit) & 1) == 0) continue;
      fill(image, x + bit % 3 * kDot, y + bit / 3 * kDot, kDot, kDot, kInk);
    }
    x += kAdvance;
  }
}

// 1, 2 or 5 times a power of ten: about six steps along `length`.
double round_step(double length) {
  const double power = std::pow(10.0, std::floor(std::log10(length / 6)));
  const double scaled = length / 6 / power;
  return (scaled < 1.5 ? 1 : scaled < 3.5 ? 2 : scaled < 7.5 ? 5 : 10) * power;
}

std::string tick_text(double value, double step) {
  char text[32];
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step))), 0, 6);
  std::snprintf(text, sizeof text, "%.*f", decimals, std::abs(value) < step / 2 ? 0 : value);
  return text;
}

}  // namespace

PointPlot::PointPlot(std::vector<float> data, int64_t dimensions)
    : dimensions_(dimensions), data_(std::move(data)) {
  GANTRY_CHECK(dimensions_ > 0 && data_.size() % static_cast<size_t>(dimensions_) == 0,
               data_.size(), " values of ", dimensions_, " dimensions");
  if (!data_.empty()) {
    double low[2] = {data_[0], dimensions_ > 1 ? data_[1] : 0}, high[2] = {low[0], low[1]};
    for (size_t i = 0; i < data_.size(); i += static_cast<size_t>(dimensions_)) {
      for (size_t axis = 0; axis < 2; ++axis) {
        const double value = dimensions_ > static_cast<int64_t>(axis) ? data_[i + axis] : 0;
        low[axis] = std::min(low[axis], value);
        high[axis] = std::max(high[axis], value);
      }
    }
    middle_x_ = (low[0] + high[0]) / 2;
    middle_y_ = (low[1] + high[1]) / 2;
    // A quarter of room around, so that what lies off the data is seen as well.
    constexpr double kRoom = 1.25;
    const double half = std::max(high[0] - low[0], high[1] - low[1]) / 2;
    // No finer than the ticks' numbers can be told apart.
    reach_ = std::max(kRoom * half, 1e-3 * std::max(std::abs(middle_x_), std::abs(middle_y_)));
    if (reach_ == 0) reach_ = 1;
  }
  ground_ = make_ground();
}

PointPlot::Point PointPlot::place(const float* sample) const {
  const double x = sample[0], y = dimensions_ > 1 ? sample[1] : 0;
  return {kFrameLeft + (x - middle_x_ + reach_) / (2 * reach_) * kFrame,
          kFrameTop + (middle_y_ + reach_ - y) / (2 * reach_) * kFrame};
}

Image PointPlot::make_ground() const {
  Image image(kFigureSide, kFigureSide, 3, 255);
  const auto left = static_cast<int64_t>(kFrameLeft), top = static_cast<int64_t>(kFrameTop);
  const auto length = static_cast<int64_t>(kFrame);
  const double step = round_step(2 * reach_);
  const auto ticks = [&](double middle, const auto& draw) {
    for (double at = std::ceil((middle - reach_) / step); at * step <= middle + reach_; ++at) {
      draw((at * step - middle + reach_) / (2 * reach_) * kFrame, tick_text(at * step, step));
    }
  };
  ticks(middle_x_, [&](double along, const std::string& text) {
    const auto x = static_cast<int64_t>(kFrameLeft + along);
    fill(image, x, top, 1, length, kRule);
    write(image, x - text_width(text) / 2, top + length + 10, text);
  });
  ticks(middle_y_, [&](double along, const std::string& text) {
    const auto y = static_cast<int64_t>(kFrameTop + kFrame - along);
    fill(image, left, y, length, 1, kRule);
    write(image, left - 10 - text_width(text), y - kTextHeight / 2, text);
  });
  fill(image, left, top, length, 1, kInk);
  fill(image, left, top + length, length + 1, 1, kInk);
  fill(image, left, top, 1, length, kInk);
  fill(image, left + length, top, 1, length, kInk);
  for (size_t i = 0; i < data_.size(); i += static_cast<size_t>(dimensions_)) {
    const Point at = place(&data_[i]);
    dot(image, at.x, at.y, 2.6, kData, 0.6);
  }
  return image;
}

Image PointPlot::draw(std::span<const float> generated) const {
  Image image = ground_;
  for (size_t i = 0; i + static_cast<size_t>(dimensions_) <= generated.size();
       i += static_cast<size_t>(dimensions_)) {
    const Point at = place(&generated[i]);
    const bool inside = at.x >= kFrameLeft && at.x <= kFrameLeft + kFrame && at.y >= kFrameTop &&
                        at.y <= kFrameTop + kFrame;  // false for NaN
    if (inside) dot(image, at.x, at.y, 2.2, kDrawn, 0.55);
  }
  return image;
}

}  // namespace gantry
