// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/philox.h"
#include "core/tensor.h"

namespace gantry {

// y = constant + sum_i scale[i] x_i. {y | x1, x2, ...}; with accumulate y is an in-out and is added
// to. y may be x1. One input with scale 1 is the copy; none fills with the constant.
struct SumDesc {
  Shape y;
  std::vector<float> scale{};
  bool accumulate = false;
  float constant = 0;
};

// All draws below: element e of sample n (in memory order) at *step uses word e % 4 of
//   random_block(key, *step, first_sample + n, e / 4),  U = uniform01(word),
// and a standard normal is the e % 2 half of normal_pair(word of e - e % 2, the word after it).

// Inverted dropout: y = x m / (1 - rate), m = 0 where U < rate: the same mask in every pass of a
// step.
// One linear op for forward, backward and tangent: {y | x, step (i64, 1)}; y may be x.
struct DropoutDesc {
  Shape x;
  float rate = 0.5f;
  RandomKey key{};
  uint32_t first_sample = 0;
};

// Random numbers.
struct RandomDesc {
  enum class Kind : uint8_t {
    kNormal,       // mean a, standard deviation b
    kUniform,      // [a, b): a + (b - a) U
    kBernoulli,    // 1 where U < a, else 0
    kCategorical,  // integer 0 .. a-1, stored as a float: floor(a U), the product exact
  };
  Kind kind = Kind::kNormal;
  Shape y;
  float a = 0, b = 1;
  RandomKey key{};
  uint32_t first_sample = 0;
};
// {y | step (i64, 1)}

// y[n, :] = onehot(label[n]). {y: n x classes | label: n, f32 integers}
struct OneHotDesc {
  int64_t n = 0, classes = 0;
};

// What a discriminator is asked to answer: t[n] = base + soft U0 (label smoothing and label
// noise), or flipped + soft U0 where U1 < flip. U0, U1: the draws of elements 0 and 1.
// {t: n | step}
struct TargetDesc {
  int64_t n = 0;
  float base = 1, soft = 0;
  float flipped = 0, flip = 0;
  RandomKey key{};
  uint32_t first_sample = 0;
};

// y = x + s noise, noise standard normal by (key, step, sample, element), s = sigma decayed
// linearly to 0 at step `until` (until 0: constant). {y | x, step}; y may be x.
struct InstanceNoiseDesc {
  Shape x;
  float sigma = 0;
  int64_t until = 0;
  RandomKey key{};
  uint32_t first_sample = 0;
};

}  // namespace gantry
