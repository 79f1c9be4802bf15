// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// A loss, its gradient and a rate in one pass:
//   value = scale * mean over elements of l(x, t),  dx = d value / dx
//   bce_logits  l = softplus(x) - t x            rate: share of elements with (x > 0) == (t > 0.5)
//   mse         l = (x - t)^2                    rate: share nearer to its target than 0.5
//   l1          l = |x - t|                      rate: as mse
//   linear      l = t x  (Wasserstein: t = +-1)  rate: share with t x < 0
//   hinge       l = relu(1 - t x), t = +-1       rate: share with t x > 0
//   cross_entropy  l = -log softmax(x)[t] per sample over its channels; x: n x classes
//                                                rate: share whose largest logit is t
//   bce_logsumexp  bce_logits of s = log sum over channels of exp(x); x: n x classes, t: n x 1
//                                                rate: share with (s > 0) == (t > 0.5)
//                  (K classes and a further one whose logit is 0; Salimans et al. 2016, section 5)
// Finite and exact for |x| up to 1e4. scale may be negative (the saturating generator loss).
struct LossDesc {
  enum class Kind : uint8_t {
    kBceLogits,
    kMse,
    kL1,
    kLinear,
    kHinge,
    kCrossEntropy,
    kBceLogSumExp
  };
  Kind kind = Kind::kBceLogits;
  Shape x;
  Shape t;  // that of x; or n x 1: one target per sample
  float scale = 1;
  bool weighted = false;  // l(x, t) of sample n counts w[n] times; the rate as ever

  // Whether l is one number for all channels of a pixel.
  bool over_channels() const { return kind >= Kind::kCrossEntropy; }
};
// {value: 1, rate: 1, dx | x, t, [w: n x 1]}
// {value: 1, rate: 1 | x, t, [w]} when built with gradient = false

const char* loss_name(LossDesc::Kind kind);  // "bce_logits"

// out[0] = scale * sum_i x_i^p, deterministic order. {out: 1 | x}
struct ReduceDesc {
  enum class Kind : uint8_t { kSum, kSumSquares, kMaxAbs };
  Kind kind = Kind::kSum;
  Shape x;
  float scale = 1;
};

}  // namespace gantry
