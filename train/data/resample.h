// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/png.h"
#include "train/data/config.h"

namespace gantry {

// ITU-R BT.601: (299 R + 587 G + 114 B + 500) / 1000, rounded down.
uint8_t luma(const uint8_t* rgb);

// The window of this size around the centre; where the margin is odd, the larger half is at the
// bottom and right.
Image center_cut(const Image& image, int64_t height, int64_t width);

// Bilinear with antialiasing: separable, each output value the mean of the input under a triangle
// of half-width max(1, scale) input pixels around its centre (scale = input / output size), weights
// normalised at the borders, rounded to nearest once at the end. kCover takes the largest centred
// box of the output's aspect ratio, kStretch the whole image.
Image resize(const Image& image, int64_t height, int64_t width, ImageFit fit);

}  // namespace gantry
