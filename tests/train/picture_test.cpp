// SPDX-License-Identifier: Apache-2.0
#include "train/picture.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gantry {
namespace {

// The corners of the square from -2 to 2 and its middle.
const std::vector<float> kData = {-2, -2, -2, 2, 2, -2, 2, 2, 0, 0};

bool is_blue(const Image& image, int64_t x, int64_t y) {
  const uint8_t* pixel = &image.pixels[static_cast<size_t>(3 * (y * image.width + x))];
  return pixel[2] > pixel[0] + 60;
}

// Pixels of the generated colour, and their middle.
struct Drawn {
  int64_t count = 0;
  double x = 0, y = 0;
};

Drawn find_drawn(const Image& image) {
  Drawn drawn;
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < image.width; ++x) {
      if (!is_blue(image, x, y)) continue;
      ++drawn.count;
      drawn.x += static_cast<double>(x);
      drawn.y += static_cast<double>(y);
    }
  }
  drawn.x /= static_cast<double>(std::max<int64_t>(drawn.count, 1));
  drawn.y /= static_cast<double>(std::max<int64_t>(drawn.count, 1));
  return drawn;
}

TEST(PointPlot, PutsPointsWhereTheyAre) {
  const PointPlot plot(kData, 2);
  EXPECT_EQ(find_drawn(plot.draw({})).count, 0);
  const auto at = [&](float x, float y) {
    const Drawn drawn = find_drawn(plot.draw(std::vector<float>{x, y}));
    EXPECT_GT(drawn.count, 6) << x << ' ' << y;
    EXPECT_LT(drawn.count, 40) << x << ' ' << y;
    return drawn;
  };
  const Drawn middle = at(0, 0), right = at(2, 0), up = at(0, 2);
  EXPECT_GT(right.x - middle.x, 100);
  EXPECT_NEAR(right.y, middle.y, 0.6);
  EXPECT_NEAR(up.x, middle.x, 0.6);
  EXPECT_NEAR(middle.y - up.y, right.x - middle.x, 1.2) << "one scale for both axes, y upwards";
}

TEST(PointPlot, WhatIsOutsideOrNotFiniteIsLeftOut) {
  const PointPlot plot(kData, 2);
  const float nan = std::nanf(""), inf = INFINITY;
  EXPECT_EQ(plot.draw(std::vector<float>{9, 0, 0, -9, nan, 0, 0, nan, inf, -inf}), plot.draw({}));
}

TEST(PointPlot, AxesFollowFromTheDataAlone) {
  const PointPlot plot(kData, 2);
  const Drawn alone = find_drawn(plot.draw(std::vector<float>{1, 1}));
  const Drawn again = find_drawn(plot.draw(std::vector<float>{1, 1, 50, 50, -70, 3}));
  EXPECT_EQ(alone.x, again.x);
  EXPECT_EQ(alone.y, again.y);
  std::vector<float> wider = kData;
  for (float& value : wider) value *= 10;
  EXPECT_NE(PointPlot(wider, 2).draw({}), plot.draw({})) << "other ticks";
}

TEST(PointPlot, OddDataHaveAPlot) {
  const std::vector<float> one = {3, 3};
  const Drawn middle = find_drawn(PointPlot(one, 2).draw(one));
  EXPECT_GT(middle.count, 6);
  const std::vector<float> far = {1e20f, -1e20f};
  EXPECT_GT(find_drawn(PointPlot(far, 2).draw(far)).count, 6) << "ends, and shows it";
  const Drawn empty = find_drawn(PointPlot({}, 2).draw(std::vector<float>{0, 0}));
  EXPECT_NEAR(empty.x, middle.x, 0.6);
  EXPECT_GT(find_drawn(PointPlot({-1, 1}, 1).draw(std::vector<float>{0.5f})).count, 6);
  const std::vector<float> vectors = {0, 0, 7, 7, 1, 1, 7, 7};  // of four dimensions
  EXPECT_GT(find_drawn(PointPlot(vectors, 4).draw(vectors)).count, 12);
}

class Points : public DataSource {
 public:
  Points() {
    info_.sample = {1, 2, 1, 1};
    info_.count = 5;
  }
  const DataInfo& info() const override { return info_; }
  void read(uint64_t, int64_t count, float* images, float*) const override {
    std::copy_n(kData.begin(), 2 * count, images);
  }

 private:
  DataInfo info_;
};

TEST(Picture, OfPointsIsAPlotOfMany) {
  const Points points;
  const Picture picture({1, 2, 1, 1}, {}, &points);
  EXPECT_EQ(picture.samples(64), 2000);
  EXPECT_EQ(picture.samples(5000), 5000);
  const Image drawn = picture.draw({1, 1}, 8);
  EXPECT_EQ(drawn, PointPlot(kData, 2).draw(std::vector<float>{1, 1}));
  EXPECT_EQ(picture.size(2000, 8), std::pair(drawn.width, drawn.height));
}

TEST(Picture, OfImagesIsAGridOfTheSizeThatItSays) {
  const Shape sample = {1, 1, 28, 20};
  const Picture picture(sample, {}, nullptr);
  EXPECT_EQ(picture.samples(64), 64);
  for (const int64_t count : {1, 3, 8, 9}) {
    const std::vector<float> values(static_cast<size_t>(count * sample.elements()), 0.5f);
    const Image drawn = picture.draw(values, 8);
    EXPECT_EQ(picture.size(count, 8), std::pair(drawn.width, drawn.height)) << count;
  }
}

}  // namespace
}  // namespace gantry
