// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/png.h"
#include "core/tensor.h"
#include "train/data/source.h"
#include "train/point_plot.h"

namespace gantry {

// Samples as 8-bit tiles, by the range of the data.
std::vector<Image> to_tiles(const std::vector<float>& images, const Shape& sample,
                            const ValueRange& range);

// What samples look like to a person: images as a grid of tiles, small ones enlarged; points of
// the plane (samples of one pixel) as a plot over those of the data.
class Picture {
 public:
  // `data`: where points for the plot come from; null: none are drawn.
  Picture(const Shape& sample, const ValueRange& range, const DataSource* data);

  // How many samples to draw when `wanted` are asked for: modes show only among many points.
  int64_t samples(int64_t wanted) const;
  // Width and height in pixels of a picture of so many samples.
  std::pair<int64_t, int64_t> size(int64_t samples, int64_t columns) const;
  // `samples`: values of whole samples, NHWC.
  Image draw(const std::vector<float>& samples, int64_t columns) const;

 private:
  int64_t factor() const;  // of enlargement

  Shape sample_;
  ValueRange range_;
  std::optional<PointPlot> plot_;
};

}  // namespace gantry
