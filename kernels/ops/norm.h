// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"
#include "kernels/ops/activation.h"

namespace gantry {

// Normalisation over a group of m values, then scale, shift and activation in one pass:
//   xhat = (x - mean) rstd,  rstd = 1 / sqrt(var + eps) (biased var),  y = act(gamma xhat + beta)
// gamma, beta: 1 x C. What a group is:
//   batch     one channel over h, w and the samples of one batch group  stats: batch_groups x C
//   layer     one sample over c, h, w                                    stats: n x 1
//   instance  one channel of one sample over h, w                        stats: n x C
//   group     channel_groups slices of one sample                        stats: n x channel_groups
// batch_groups cuts the batch into equal consecutive parts with statistics of their own, which
// makes one pass over [real; fake] equal to two passes.
// (Ioffe, Szegedy 2015; Ba et al. 2016; Ulyanov et al. 2016; Wu, He 2018.)
enum class NormKind : uint8_t { kBatch, kLayer, kInstance, kGroup };

struct NormDesc {
  NormKind kind = NormKind::kBatch;
  Shape x;
  int64_t batch_groups = 1;    // batch
  int64_t channel_groups = 1;  // group
  float eps = 1e-5f;
  Activation activation{};  // identity, ReLU or LeakyReLU
  // Running statistics of batch norm: r <- (1 - momentum) r + momentum s, once per batch group in
  // order. unbiased: s is the variance times m / (m - 1) (PyTorch), else the biased one (Keras).
  float momentum = 0.1f;
  bool unbiased = true;
  bool track = true;        // false: running statistics are left alone (and not arguments)
  bool accumulate = false;  // backward: dgamma, dbeta += ; double_backward always adds
};

Shape norm_stats_shape(const NormDesc& desc);

enum class NormPass {
  kForward,    // {y, mean, rstd | x, gamma, beta}; batch and track: in-outs running_mean,
               // running_var (1 x C each) between outputs and inputs
  kInference,  // batch only: {y | x, gamma, beta, running_mean, running_var}
  kBackward,   // {dx, dgamma, dbeta | x, dy, gamma, beta, mean, rstd}; with accumulate dgamma and
               // dbeta are in-outs. The activation's mask is recomputed from x. dx may be dy.
  kBackwardData,    // {dx | x, dy, gamma, beta, mean, rstd}: no parameter gradients
  kDoubleBackward,  // {uy, hx | x, dy, ux, gamma, beta, mean, rstd}, in-out dgamma before the
                    // inputs. Design section 6; dy is the delta after the activation.
};

}  // namespace gantry
