// SPDX-License-Identifier: Apache-2.0
#include "train/picture.h"

#include <algorithm>

namespace gantry {
namespace {

constexpr int64_t kPoints = 2000;
constexpr int64_t kPadding = 2;

std::vector<float> first_points(const DataSource& data) {
  const int64_t count = std::min(kPoints, data.info().count);
  std::vector<float> points(static_cast<size_t>(count * data.info().sample.elements()));
  data.read(0, count, points.data(), nullptr);
  return points;
}

}  // namespace

std::vector<Image> to_tiles(const std::vector<float>& images, const Shape& sample,
                            const ValueRange& range) {
  const auto pixels = static_cast<size_t>(sample.elements());
  std::vector<Image> tiles;
  for (size_t first = 0; first + pixels <= images.size(); first += pixels) {
    tiles.push_back(to_image(images.data() + first, sample.h, sample.w, sample.c, range));
  }
  return tiles;
}

Picture::Picture(const Shape& sample, const ValueRange& range, const DataSource* data)
    : sample_(sample), range_(range) {
  if (sample.pixels() > 1) return;
  plot_.emplace(data != nullptr ? first_points(*data) : std::vector<float>(), sample.c);
}

int64_t Picture::samples(int64_t wanted) const {
  return plot_ ? std::max(wanted, kPoints) : wanted;
}

int64_t Picture::factor() const {
  constexpr int64_t kTileSize = 64;  // tiles smaller than half of it are enlarged
  return std::max<int64_t>(1, kTileSize / std::max(sample_.h, sample_.w));
}

std::pair<int64_t, int64_t> Picture::size(int64_t samples, int64_t columns) const {
  if (plot_) {
    const Image empty = plot_->draw({});
    return {empty.width, empty.height};
  }
  const int64_t across = std::min(columns, samples), down = (samples + columns - 1) / columns;
  return {factor() * (across * (sample_.w + kPadding) + kPadding),
          factor() * (down * (sample_.h + kPadding) + kPadding)};
}

Image Picture::draw(const std::vector<float>& samples, int64_t columns) const {
  if (plot_) return plot_->draw(samples);
  return enlarge(compose_grid(to_tiles(samples, sample_, range_), columns, kPadding), factor());
}

}  // namespace gantry
