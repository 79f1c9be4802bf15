// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "core/tensor.h"

namespace gantry {

// Where a gradient penalty looks at a critic, and what it makes of the gradient it finds there.
// Draws as in kernels/ops/elementwise.h. a_n: one number per sample, U[0,1) by (key, step, sample),
// the draw of element 0.

// Points between real and generated samples (Gulrajani et al. 2017, Alg. 1):
//   y_n = a_n x_n + (1 - a_n) z_n.   {y | x, z, step}; y may be x or z.
struct InterpolateDesc {
  Shape x{};
  RandomKey key{};
  uint32_t first_sample = 0;
};

// Standard deviation of all elements of x together, the mean of squares (not that of an estimate):
//   sqrt(mean (x - mean x)^2).   {deviation: 1 | x}
struct DeviationDesc {
  Shape x{};
};

// Points about real samples (Kodali et al. 2017, their code):
//   y = x + a_n spread deviation U,  U by (noise_key, step, sample, element).
// {y | x, deviation: 1, step}; y may be x.
struct PerturbDesc {
  Shape x{};
  float spread = 0.5f;
  RandomKey key{}, noise_key{};
  uint32_t first_sample = 0;
};

// g = d(sum of scores)/dx, |g_n| over all of sample n, r_n = sqrt(|g_n|^2 + 1e-10):
//   two_sided  p = (r - target)^2         (Gulrajani et al. 2017, eq. 3)
//   one_sided  p = max(0, r - target)^2   (section 4 there)
//   squared    p = |g_n|^2 / 2            (Mescheder et al. 2018, eq. 9)
// value = scale * mean_n p_n, norm = mean_n |g_n|, v = d value / dg, which is 0 where g is.
// {value: 1, norm: 1, v | g}; v may be g.
struct GradientPenaltyDesc {
  enum class Kind : uint8_t { kTwoSided, kOneSided, kSquared };
  Kind kind = Kind::kTwoSided;
  Shape g{};
  float target = 1, scale = 1;
};

}  // namespace gantry
