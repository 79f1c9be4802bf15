// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// What techniques make of a discriminator's scores y, n x 1, or n x 1 x h x w for patches; a
// sample's own is the mean over its patches.

// One side of the LeCam regularisation (Tseng et al. 2021, R_LC, one-sided as in their code):
//   l = relu(y - anchor)^2 on real scores, or with `below` relu(anchor - y)^2 on generated ones
//   value = scale mean l,  dy = d value / dy,  both 0 while *step < start
// The anchor is held constant. {value: 1, dy | y, anchor: 1, step (i64, 1)}
struct LecamDesc {
  Shape y{};
  bool below = false;
  float scale = 1;
  int64_t start = 0;
};

// average <- decay average + (1 - decay) value; <- value while *step < start.
// {after: 1}, in-out average: 1, inputs value: 1, step
struct MovingAverageDesc {
  float decay = 0.99f;
  int64_t start = 1;
};

// Weights that leave the samples of highest score alone in a mean (Sinha et al. 2020, Alg. 1):
//   k = max(1, [nu n], [n gamma^e]),  e = *step / every (an integer),  [] to the nearest, 1/2 up
//   w_i = n / k for the k highest (the first of equals), 0 for the others;  share = k / n
// {w: n x 1, share: 1 | y, step}
struct TopKDesc {
  Shape y{};
  double gamma = 0.99, nu = 0.5;
  int64_t every = 1;
};

// The strength of adaptive augmentation (Karras et al. 2020, section 3.1). Adds the signs of the
// scores (+1, 0, -1; a sample's is the mean over its patches) and their number to a tally, and once
// that has `interval` samples:
//   p <- max(0, p + sign(rt - target) samples / span),  rt = signs / samples,  tally <- 0
// {rt: 1, p_after: 1}, in-outs p: 1, tally: 2 (signs, samples), input y
struct AdaptiveProbabilityDesc {
  Shape y{};
  double target = 0.6, span = 500000;
  int64_t interval = 1;  // samples, less than 2^23
};

}  // namespace gantry
