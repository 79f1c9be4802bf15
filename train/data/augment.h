// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/philox.h"
#include "core/tensor.h"
#include "train/data/config.h"

namespace gantry {

// What happens to one sample: the pixel (y, x) of the output comes from the stored place
//   F(R(y + crop_y - dy, x + crop_x - dx))
// where R undoes the rotation about the centre and F the flips.
struct Augmentation {
  bool flip = false, vertical_flip = false;
  double cosine = 1, sine = 0;
  int64_t dy = 0, dx = 0, crop_y = 0, crop_x = 0;
};

// The draws of sample `global` of the stream. `stored`: shape before the crop.
Augmentation draw_augmentation(const AugmentConfig& config, RandomKey key, uint64_t global,
                               const Shape& stored);

// What random_crop leaves of a sample.
Shape augmented_shape(const AugmentConfig& config, const Shape& stored);

// Writes the augmented shape; `stored` values are read through `table` (bytes) or as they are
// (floats, table null). `fill` is what lies outside. Bilinear where the sample is turned.
struct StoredSample {
  const uint8_t* bytes = nullptr;
  const float* reals = nullptr;
  const float* table = nullptr;  // 256 values
  Shape shape;

  float value(int64_t index) const { return bytes ? table[bytes[index]] : reals[index]; }
};
void apply_augmentation(const Augmentation& augmentation, const StoredSample& sample, float fill,
                        const Shape& shape, float* out);

}  // namespace gantry
