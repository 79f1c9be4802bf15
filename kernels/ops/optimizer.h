// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// One pass over a flat buffer of `size` parameters:
//   g = grad * grad_scale[0];  clip each g to [-clip_value, clip_value];
//   L2: g += weight_decay p;   decoupled: p -= lr weight_decay p;   then the rule below,
//   then clamp p to [-weight_clip, weight_clip], then ema = decay ema + (1 - decay) p.
// Nothing is changed if found[0] (non-finite elements of this gradient) is not 0.
// t = updates done so far, this one included; lr and t are read from memory, never baked in.
//
//  sgd      v = momentum v + (1 - dampening) g (first update: v = g);
//           p -= lr (nesterov ? g + momentum v : v)
//  adam     m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2
//           pytorch: p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//           keras:   p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
//  rmsprop  s = rho s + (1 - rho) g^2
//           pytorch: d = g / (sqrt(s) + eps);  keras: d = g / sqrt(s + eps)
//           momentum > 0: v = momentum v + d, p -= lr v; else p -= lr d
//           centered: s is replaced by s - a^2, a = rho a + (1 - rho) g
// (Kingma, Ba 2015, Alg. 1; Loshchilov, Hutter 2019 (AdamW = adam with decoupled);
//  Tieleman, Hinton 2012.)
struct OptimizerDesc {
  enum class Kind : uint8_t { kSgd, kAdam, kRmsprop };
  enum class Variant : uint8_t { kPyTorch, kKeras };
  Kind kind = Kind::kAdam;
  Variant variant = Variant::kPyTorch;
  int64_t size = 0;
  float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;  // adam
  float rho = 0.99f;                                // rmsprop
  bool centered = false;
  float momentum = 0, dampening = 0;
  bool nesterov = false;
  float weight_decay = 0;
  bool decoupled = false;
  float clip_value = 0;   // 0: off
  float weight_clip = 0;  // 0: off
  float ema_decay = -1;   // negative: no EMA argument
  int64_t ema_start = 0;  // before update ema_start the EMA equals the parameters
};

// Buffers of `size` values that the rule keeps, in this order: sgd [v], adam m, v,
// rmsprop s, [a], [v].
int optimizer_states(const OptimizerDesc& desc);
// In-outs p, state_0 .., [ema]; inputs grad, lr (f32, 1), t (i64, 1), grad_scale (f32, 1),
// found (f32, 1).

// Norm, finite check and clip factor of a flat gradient, in one pass:
//   norm[0] = sqrt(sum g^2), found[0] = number of non-finite g,
//   grad_scale[0] = unscale * min(1, max_norm / (unscale norm + 1e-6))   (max_norm 0: unscale)
// {norm, grad_scale, found | grad}
struct GradNormDesc {
  int64_t size = 0;
  float max_norm = 0;
  float unscale = 1;
};

// Learning rate after `t` updates (t[0] counts from 0 at the first update), and t += 1:
//   constant; inverse_time lr/(1 + decay t); exponential lr decay^(t/every); step lr decay^floor(t/every);
//   linear to 0 between `from` and `until`; cosine to `floor` at `until`;
//   all times min(1, (t + 1)/warmup).
// {lr (f32, 1)}, in-out t (i64, 1): t holds the number of the update about to be made, from 1.
struct ScheduleDesc {
  enum class Kind : uint8_t { kConstant, kInverseTime, kExponential, kStep, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  float lr = 0;
  float decay = 0;
  int64_t every = 1;
  int64_t from = 0, until = 0;
  float floor = 0;
  int64_t warmup = 0;
};

// step[0] += 1. In-out step (i64, 1).
struct AdvanceDesc {};

// Spectral normalisation (Miyato et al. 2018, Alg. 1), w seen as rows x columns (rows = w.n):
//   v = W^T u / |W^T u|, u = W v / |W v| (`iterations` times, 0: u is left alone),
//   sigma = u^T W v, w_hat = W / sigma.
struct SpectralNormDesc {
  int64_t rows = 0, columns = 0;
  int iterations = 1;
  float eps = 1e-12f;
};

enum class SpectralNormPass {
  kForward,   // {w_hat, v: columns, sigma: 1}, in-out u: rows, inputs w
  kBackward,  // in-out dw_hat -> dw (in place): dw = (dw_hat - <dw_hat, w_hat> u v^T) / sigma;
              // inputs w_hat, u, v, sigma
};

}  // namespace gantry
