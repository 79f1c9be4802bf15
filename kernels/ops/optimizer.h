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
//  sgd      pytorch: v = momentum v + (1 - dampening) g (first update, t = 1: v = g);
//                    p -= lr (nesterov ? g + momentum v : v)
//           keras:   v = momentum v - lr g (no dampening);
//                    p += nesterov ? momentum v - lr g : v
//  adam     m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2
//           pytorch: p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//           keras:   p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)
//  rmsprop  s = rho s + (1 - rho) g^2
//           pytorch: d = g / (sqrt(s) + eps);  keras: d = g / sqrt(s + eps)
//           momentum > 0: pytorch: v = momentum v + d, p -= lr v
//                         keras:   v = momentum v + lr d, p -= v
//           else p -= lr d
//           centered: in d, s is replaced by s - a^2, a = rho a + (1 - rho) g
// (Kingma, Ba 2015, Alg. 1; Loshchilov, Hutter 2019 (AdamW = adam with decoupled);
//  Tieleman, Hinton 2012.)
// Hyper-parameters are doubles: 1 - beta2 from a float would be off by 1e-5.
struct OptimizerDesc {
  enum class Kind : uint8_t { kSgd, kAdam, kRmsprop };
  enum class Variant : uint8_t { kPyTorch, kKeras };
  Kind kind = Kind::kAdam;
  Variant variant = Variant::kPyTorch;
  int64_t size = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam; eps: rmsprop too
  double rho = 0.99;                              // rmsprop
  bool centered = false;
  double momentum = 0, dampening = 0;
  bool nesterov = false;
  double weight_decay = 0;
  bool decoupled = false;
  double clip_value = 0;   // 0: off
  double weight_clip = 0;  // 0: off
  double ema_decay = -1;   // negative: no EMA argument
  int64_t ema_start = 0;   // while t < ema_start the EMA equals the parameters
  bool narrow = false;     // write a copy of the parameters as Kernels::narrow_real()
};

// Buffers of `size` values that the rule keeps, in this order: sgd [v], adam m, v,
// rmsprop s, [a], [v].
int optimizer_states(const OptimizerDesc& desc);
// In-outs p, state_0 .., [ema], [narrow copy]; inputs grad, lr (f32, 1), t (i64, 1),
// grad_scale (f32, 1), found (f32, 1).

// Norm, finite check and clip factor of a flat gradient, in one pass:
//   norm[0] = sqrt(sum g^2) / s, found[0] = number of non-finite g,
//   grad_scale[0] = min(1, max_norm / (norm + 1e-6)) / s   (max_norm 0: 1 / s)
// s = 1, or what the loss was multiplied by. {norm, grad_scale, found | grad, [s: 1]}
struct GradNormDesc {
  int64_t size = 0;
  double max_norm = 0;
  bool scaled = false;
};

// Dynamic loss scaling (Micikevicius et al. 2018, section 3.2), after a gradient was looked at:
//   found[0] = 0  clean += 1, in a row = 0; where clean = interval: s = min(2 s, 2^24), clean = 0
//   else          s = max(s / 2, 1), clean = 0, skipped += 1, in a row += 1
// shown[0] = norm[0] if found[0] = 0, else 0, or NaN where `patience` updates in a row were
// skipped; total[0] = skipped. counts: clean, skipped, in a row. {shown, scale: 1, total: 1},
// in-outs s: 1, counts: 3 (i64), inputs norm, found. scale: s before.
struct LossScaleDesc {
  int64_t interval = 2000;
  int64_t patience = 20;
};

// The learning rate of the next update, with t updates done before it, and t += 1:
//   constant      lr
//   inverse_time  lr / (1 + decay t)
//   exponential   lr decay^(t / every)          step  lr decay^floor(t / every)
//   linear        lr (1 - f), f = clamp((t - from) / (until - from), 0, 1)
//   cosine        floor + (lr - floor) (1 + cos(pi f)) / 2, f = min(1, t / until)
//   all times min(1, (t + 1) / warmup) when warmup > 0.
// {lr (real, 1)}, in-out t (i64, 1): before the call the number of updates done, after it the
// number of the update about to be made (from 1), which is what the optimizer reads.
struct ScheduleDesc {
  enum class Kind : uint8_t { kConstant, kInverseTime, kExponential, kStep, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  double lr = 0;
  double decay = 0;
  int64_t every = 1;
  int64_t from = 0, until = 0;
  double floor = 0;
  int64_t warmup = 0;
};

// Historical averaging (Salimans et al. 2016, section 3.3): the loss weight |p - mean|^2, mean
// being that of the parameters before each update so far, this one included, and held constant:
//   mean += (p - mean) / (t + 1);  grad += 2 weight (p - mean),  t = updates done before
// In-outs grad, mean; inputs p, t (i64, 1).
struct HistoricalAverageDesc {
  int64_t size = 0;
  double weight = 0;
};

// The end of a step:
//   step[0] += 1;  position[0] += samples;
//   bad[0] = step[0] if bad[0] is 0 and one of `values` values is not finite: the first bad step
// In-outs step, position, bad (i64, 1 each); input values (real).
struct AdvanceDesc {
  int64_t values = 0;
  int64_t samples = 0;
};

// Spectral normalisation (Miyato et al. 2018, Alg. 1), w seen as rows x columns (rows = w.n):
//   v = W^T u / |W^T u|, u = W v / |W v| (`iterations` times, 0: u is left alone),
//   sigma = u^T W v, w_hat = W / sigma.
// Norms are kept from 0 by max(norm, eps). With 0 iterations v = W^T u / |W^T u| all the same.
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
