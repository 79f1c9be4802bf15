// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// The loss of a critic that is an autoencoder, y = D(x) (EBGAN: Zhao et al. 2017; BEGAN: Berthelot
// et al. 2017), and its gradients:
//   e[n] = s sum over c, h, w of |y - x|^p,  p = 2 or 1,  s = 1, or 1 / (C H W) where mean is set
//   energy = mean over n of e[n]
//   value  = scale [weight] mean over n of l(e[n]),  l(e) = e; with hinge relu(margin - e)
//   active = share of samples with l' != 0
//   dy = d value / dy;  dx = d value / dx for y held constant, which is -dy
// The hinge is taken per sample, never of the mean over the batch.
struct ReconstructionDesc {
  enum class Kind : uint8_t { kSquared, kAbsolute };
  Kind kind = Kind::kSquared;
  Shape x;
  bool mean = false;
  bool hinge = false;
  float margin = 0;
  float scale = 1;
  bool want_dx = false;
  bool weighted = false;  // the last argument scales value and gradients
};
// {value: 1, energy: 1, active: 1, dy, [dx] | y, x, [weight: 1]}

// The pulling-away term of a batch of codes s, n x C (EBGAN, section 2.4), and its gradient:
//   value = scale / (n (n - 1)) sum over i != j of cos(s_i, s_j)^2,  ds = d value / ds
// Lengths are kept from 0 by max(|s|, 1e-12). A batch of one has value 0.
struct PullingAwayDesc {
  Shape s;  // each sample is one code, whatever its c, h, w
  float scale = 1;
};
// {value: 1, ds | s}

// BEGAN's equilibrium, with L = mean reconstruction losses:
//   balance = gamma L_real - L_fake,  measure = L_real + |balance|
//   k <- clamp(k + lambda balance, 0, 1)
struct EquilibriumDesc {
  float gamma = 0.5f, lambda = 0.001f;
};
// {measure: 1, k_after: 1}, in-out k: 1, inputs L_real: 1, L_fake: 1

// Feature matching (Salimans et al. 2016, section 3.1): the distance of mean features,
//   m[k] = mean over fake samples of f[k] - mean over real samples of r[k]
//   value = scale sum_k m[k]^2 (kSquared, as the paper writes) or scale mean_k |m[k]| (kAbsolute,
//   as its code computes),  df = d value / df
struct FeatureMatchDesc {
  enum class Kind : uint8_t { kSquared, kAbsolute };
  Kind kind = Kind::kSquared;
  Shape fake, real;  // alike but for n
  float scale = 1;
};
// {value: 1, df | f, r}

// Minibatch discrimination (Salimans et al. 2016, section 3.2) of rows m, n x (C B), row i seen as
// m_i[c][b]; a row is compared with the others of its group (one of `groups` equal parts of n):
//   d_ij[b] = sum_c |m_i[c][b] - m_j[c][b]|,  o_i[b] = sum over j != i of exp(-d_ij[b])
// Where ranks share a batch, each is given the rows of all and makes those of its own samples: the
// `part`-th of `parts` equal, consecutive parts of every group.
struct MinibatchDesc {
  int64_t n = 0, features = 1, dimensions = 1;  // rows of all parts; B, C
  int64_t groups = 1;
  int64_t parts = 1, part = 0;

  int64_t made() const { return n / parts; }
  int64_t made_of_group() const { return n / (groups * parts); }
  // Which of the n rows the k-th made one is.
  int64_t row(int64_t k) const {
    const int64_t group = k / made_of_group();
    return group * (n / groups) + part * made_of_group() + (k - group * made_of_group());
  }
};

enum class MinibatchPass {
  kForward,         // {o: n x B | m};  o, dm, uo, hm: the rows that are made, n / parts
  kBackward,        // {dm | m, do}
  kDoubleBackward,  // {uo, hm | m, do, um}
};

}  // namespace gantry
