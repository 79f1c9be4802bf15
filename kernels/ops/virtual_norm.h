// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

// Virtual batch norm (Salimans et al. 2016, section 3.4). The first R = `reference` samples of x
// are a batch that never changes; the others are normalised one by one, with w = 1 / (R + 1) of
// their own statistics over h, w and 1 - w of the reference's over R, h, w, per channel:
//   m_i = (1 - w) m_0 + w mean(x_i),  q_i = (1 - w) q_0 + w mean(x_i^2),
//   y = gamma (x_i - m_i) rstd_i + beta,  rstd_i = 1 / sqrt(q_i - m_i^2 + eps)
// The reference itself is normalised with m_0, q_0. Gradients reach the reference by both ways.
// gamma, beta: 1 x C; mean, rstd: (1 + n - R) x C, the reference's first.
struct VirtualNormDesc {
  Shape x;
  int64_t reference = 0;
  float eps = 1e-5f;
  bool accumulate = false;  // backward: dgamma, dbeta +=

  Shape stats() const { return {1 + x.n - reference, x.c, 1, 1}; }
};

enum class VirtualNormPass {
  kForward,       // {y, mean, rstd | x, gamma, beta}
  kBackward,      // {dx, dgamma, dbeta | x, dy, gamma, mean, rstd}; with accumulate dgamma and
                  // dbeta are in-outs. dx may be dy.
  kBackwardData,  // {dx | x, dy, gamma, mean, rstd}
};

}  // namespace gantry
