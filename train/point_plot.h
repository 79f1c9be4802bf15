// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/png.h"

namespace gantry {

// A scatter plot of points of the plane: those of the data in grey, generated ones over them in
// colour, so that one sees which modes are reached. The axes, one scale for both, follow from the
// data alone: all pictures of a run agree, and what a generator throws far away is left out.
class PointPlot {
 public:
  // `data`: count x `dimensions` values, of which the first two are drawn (y is 0 where there is
  // one). Empty: axes from -2 to 2.
  PointPlot(std::vector<float> data, int64_t dimensions);

  Image draw(std::span<const float> generated) const;

 private:
  struct Point {
    double x, y;  // pixels from the left and from the top
  };
  Point place(const float* sample) const;
  Image make_ground() const;

  int64_t dimensions_;
  double middle_x_ = 0, middle_y_ = 0, reach_ = 2;  // what the frame shows: middle +- reach
  std::vector<float> data_;
  Image ground_;  // frame, ticks and data
};

}  // namespace gantry
