// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/png.h"
#include "train/data/sample_set.h"

namespace gantry {

// Built-in sets. They depend on their options alone, not on the seed of the run, so that two seeds
// train on the same data. Sample i is of class i mod classes.

// White strokes on black: the digits, then A to Z. Each glyph is scaled by 1 +- 0.15 j per axis,
// turned by +- 15 j degrees, slanted by +- 0.2 j, moved by +- 0.06 j of the side and drawn with a
// line 1 +- 0.3 j as wide (all uniform, j = data.jitter). 28 x 28 unless data.size says otherwise.
SampleSet make_glyphs(const DataConfig& config);
Image draw_glyph(int64_t glyph, uint32_t sample, double jitter, int64_t height, int64_t width);

// ring: class k has the mean extent (cos 2 pi k / modes, sin 2 pi k / modes);
// grid: class k has the mean extent (k mod modes - (modes - 1) / 2, k div modes - (modes - 1) / 2);
// both with the covariance spread^2 I. Samples are two features: n x 2 x 1 x 1.
SampleSet make_gaussians(const DataConfig& config);
// The means of ring and grid, by class.
std::vector<std::array<double, 2>> gaussian_means(const DataConfig& config);

}  // namespace gantry
