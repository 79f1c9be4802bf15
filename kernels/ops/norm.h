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

// A batch that `ranks` ranks share in equal parts: every pass but inference is made in two stages,
// between which the means are averaged over ranks (all_reduce).
enum class NormStage : uint8_t {
  kWhole,
  // {means | inputs of the pass}: of this rank's part, per batch group and channel. f64, so that
  // the variance may be had as mean(x^2) - mean(x)^2: what float32 x lost before is more.
  //   forward                  x, x^2
  //   backward, backward_data  dz, dz (x - mean)  with dz the delta before activation
  //   double_backward          dz, dz (x - mean), ux, ux (x - mean), dz ux
  kMeans,
  // The pass, with the means as its last input. dgamma and dbeta are 1 / ranks of the whole
  // batch's.
  kRest
};

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
  NormStage stage = NormStage::kWhole;  // of batch norm
  int64_t ranks = 1;
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

// batch_groups x (C * numbers per channel)
Shape norm_means_shape(const NormDesc& desc, NormPass pass);

}  // namespace gantry
