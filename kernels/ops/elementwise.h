// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/philox.h"
#include "core/tensor.h"

namespace gantry {

// y = sum_i scale[i] x_i. {y | x1, x2, ...}; with accumulate y is an in-out and is added to.
// y may be x1. One input with scale 1 is the copy; none (with accumulate off) fills with zero.
struct SumDesc {
  Shape y;
  std::vector<float> scale;
  bool accumulate = false;
};

// Inverted dropout: y = x m / (1 - rate), m = 0 with probability `rate`, drawn from
// (key, *step, first_sample + n, element): the same mask in every pass of a step.
// One linear op for forward, backward and tangent: {y | x, step (i64, 1)}; y may be x.
struct DropoutDesc {
  Shape x;
  float rate = 0.5f;
  RandomKey key;
  uint32_t first_sample = 0;
};

// Random numbers by (key, *step * draws_per_step + draw, first_sample + n, element).
struct RandomDesc {
  enum class Kind : uint8_t {
    kNormal,       // mean a, standard deviation b
    kUniform,      // [a, b)
    kBernoulli,    // 1 with probability a, else 0
    kCategorical,  // integer 0 .. a-1, stored as a float
  };
  Kind kind = Kind::kNormal;
  Shape y;
  float a = 0, b = 1;
  RandomKey key;
  uint32_t first_sample = 0;
};
// {y | step (i64, 1)}

// y[n, :] = onehot(label[n]). {y: n x classes | label: n, f32 integers}
struct OneHotDesc {
  int64_t n = 0, classes = 0;
};

// What a discriminator is asked to answer: t[n] = base + soft u1[n], soft uniform in [0, 1)
// (label smoothing and label noise), or the same about `flipped` with probability flip.
// {t: n | step}
struct TargetDesc {
  int64_t n = 0;
  float base = 1, soft = 0;
  float flipped = 0, flip = 0;
  RandomKey key;
  uint32_t first_sample = 0;
};

// y = x + s noise, noise standard normal by (key, step, sample, element), s = sigma decayed
// linearly to 0 at step `until` (until 0: constant). {y | x, step}; y may be x.
struct InstanceNoiseDesc {
  Shape x;
  float sigma = 0;
  int64_t until = 0;
  RandomKey key;
  uint32_t first_sample = 0;
};

}  // namespace gantry
