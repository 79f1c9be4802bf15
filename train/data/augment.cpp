// SPDX-License-Identifier: Apache-2.0
#include "train/data/augment.h"

#include <algorithm>
#include <cmath>

namespace gantry {
namespace {

constexpr double kRadians = 3.14159265358979323846 / 180;

// Uniform in 0 .. count-1.
int64_t uniform_integer(uint32_t word, int64_t count) {
  return static_cast<int64_t>(uint64_t{word} * static_cast<uint64_t>(count) >> 32);
}

class Sampler {
 public:
  Sampler(const Augmentation& augmentation, const StoredSample& sample, float fill)
      : a_(augmentation), sample_(sample), fill_(fill) {}

  float at(int64_t y, int64_t x, int64_t c) const {
    const Shape& s = sample_.shape;
    if (y < 0 || x < 0 || y >= s.h || x >= s.w) return fill_;
    if (a_.vertical_flip) y = s.h - 1 - y;
    if (a_.flip) x = s.w - 1 - x;
    return sample_.value((y * s.w + x) * s.c + c);
  }

  void turned(int64_t y, int64_t x, float* out) const {
    const double center_y = static_cast<double>(sample_.shape.h - 1) / 2;
    const double center_x = static_cast<double>(sample_.shape.w - 1) / 2;
    const double from_y = static_cast<double>(y) - center_y;
    const double from_x = static_cast<double>(x) - center_x;
    const double place_y = a_.cosine * from_y - a_.sine * from_x + center_y;
    const double place_x = a_.sine * from_y + a_.cosine * from_x + center_x;
    const double floor_y = std::floor(place_y), floor_x = std::floor(place_x);
    const auto top = static_cast<int64_t>(floor_y), left = static_cast<int64_t>(floor_x);
    const auto down = static_cast<float>(place_y - floor_y);
    const auto right = static_cast<float>(place_x - floor_x);
    for (int64_t c = 0; c < sample_.shape.c; ++c) {
      const float above = at(top, left, c) * (1 - right) + at(top, left + 1, c) * right;
      const float below = at(top + 1, left, c) * (1 - right) + at(top + 1, left + 1, c) * right;
      out[c] = above * (1 - down) + below * down;
    }
  }

 private:
  const Augmentation& a_;
  const StoredSample& sample_;
  float fill_;
};

}  // namespace

Shape augmented_shape(const AugmentConfig& config, const Shape& stored) {
  Shape shape = stored;
  if (config.random_crop[0] > 0) shape.h = config.random_crop[0];
  if (config.random_crop[1] > 0) shape.w = config.random_crop[1];
  return shape;
}

Augmentation draw_augmentation(const AugmentConfig& config, RandomKey key, uint64_t global,
                               const Shape& stored) {
  const PhiloxBlock mirror = random_block(key, global, 0, 0);
  const PhiloxBlock place = random_block(key, global, 0, 1);
  const Shape cut = augmented_shape(config, stored);
  Augmentation a;
  a.flip = config.flip && (mirror.v[0] & 1u) != 0;
  a.vertical_flip = config.vertical_flip && (mirror.v[1] & 1u) != 0;
  if (config.rotation > 0) {
    const double angle = (2.0 * uniform01(mirror.v[2]) - 1.0) * config.rotation * kRadians;
    a.cosine = std::cos(angle);
    a.sine = std::sin(angle);
  }
  a.dy = uniform_integer(place.v[0], 2 * config.shift + 1) - config.shift;
  a.dx = uniform_integer(place.v[1], 2 * config.shift + 1) - config.shift;
  a.crop_y = uniform_integer(place.v[2], stored.h - cut.h + 1);
  a.crop_x = uniform_integer(place.v[3], stored.w - cut.w + 1);
  return a;
}

void apply_augmentation(const Augmentation& augmentation, const StoredSample& sample, float fill,
                        const Shape& shape, float* out) {
  const Sampler sampler(augmentation, sample, fill);
  const bool turned = augmentation.sine != 0;
  for (int64_t y = 0; y < shape.h; ++y) {
    const int64_t from_y = y + augmentation.crop_y - augmentation.dy;
    for (int64_t x = 0; x < shape.w; ++x, out += shape.c) {
      const int64_t from_x = x + augmentation.crop_x - augmentation.dx;
      if (turned) {
        sampler.turned(from_y, from_x, out);
      } else {
        for (int64_t c = 0; c < shape.c; ++c) out[c] = sampler.at(from_y, from_x, c);
      }
    }
  }
}

}  // namespace gantry
