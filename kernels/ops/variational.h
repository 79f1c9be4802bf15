// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "core/tensor.h"

namespace gantry {

// The sampling step of a variational autoencoder and its price (Kingma, Welling 2014, section 2.4
// and appendix B). Row n of h, n x 2 size, holds the means mu and then the logarithms v of the
// variances of its latents:
//   z = mu + exp(v / 2) eps,  eps standard normal, drawn as RandomDesc draws element e of n x size
//   kl = mean over n of 1/2 sum_e (mu^2 + exp(v) - 1 - v)
// Backward of sum(dz z) + scale kl, eps drawn again:
//   dmu = dz + scale/n mu,  dv = dz eps exp(v / 2) / 2 + scale/n (exp(v) - 1) / 2
struct VariationalDesc {
  int64_t n = 0, size = 0;
  float scale = 1;  // backward
  RandomKey key{};
  uint32_t first_sample = 0;
};

enum class VariationalPass {
  kForward,   // {z: n x size, kl: 1 | h, step (i64, 1)}
  kBackward,  // {dh | h, dz, step}
};

}  // namespace gantry
