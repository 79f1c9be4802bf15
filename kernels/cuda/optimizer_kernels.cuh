// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/loss_scale_math.h"
#include "kernels/common/schedule_math.h"
#include "kernels/cuda/device.cuh"
#include "kernels/ops/optimizer.h"

namespace gantry::cuda {

// What of a descriptor every update uses, worked out in f64 and then narrowed.
struct OptimizerTerms {
  float keep1, share1;    // adam's beta1 and 1 - beta1, or rmsprop's rho for a
  float keep2, share2;    // adam's beta2 and 1 - beta2, or rmsprop's rho for s
  float inside, outside;  // eps below the root and beside it
  float momentum, fresh;  // fresh: the share of g in sgd's v
  float clip_value, weight_decay, weight_clip;  // 0: off
  bool keras, nesterov, centered, decoupled;
  double beta1, beta2, ema_decay;
  int64_t ema_start;
};

// What follows from the number of the update, in f64 and then narrowed. rate and root: adam's step
// is rate m / (sqrt(v) root + eps).
struct OptimizerStep {
  float lr, rate, root, keep, fresh, ema_keep, ema_share;
};

// beta^t by squaring: off by about t units in the last place, which 1 - beta^t cannot show.
__device__ inline double raised(double beta, int64_t t) {
  double power = 1;
  for (; t > 0; t >>= 1, beta *= beta)
    if (t & 1) power *= beta;
  return power;
}

template <OptimizerDesc::Kind kKind>
__device__ void work_out(const OptimizerTerms& d, float lr, int64_t t, OptimizerStep& step) {
  step.lr = lr;
  step.rate = step.root = 0;
  if constexpr (kKind == OptimizerDesc::Kind::kAdam) {
    const double c1 = 1 - raised(d.beta1, t), c2 = sqrt(1 - raised(d.beta2, t));
    const double rate = static_cast<double>(lr) / c1;
    step.rate = static_cast<float>(d.keras ? rate * c2 : rate);
    step.root = static_cast<float>(d.keras ? 1 : 1 / c2);
  }
  const bool first = kKind == OptimizerDesc::Kind::kSgd && t <= 1;
  step.keep = first ? 0 : d.momentum;
  step.fresh = first ? 1 : d.fresh;
  const double decay = t < d.ema_start ? 0 : d.ema_decay;
  step.ema_keep = static_cast<float>(decay);
  step.ema_share = static_cast<float>(1 - decay);
}

__device__ inline float clamped(float x, float limit) {
  return x < -limit ? -limit : x > limit ? limit : x;
}

// p - lr g with momentum kept in v. kSign: SGD's v points downhill in Keras.
template <int kSign>
__device__ float descended(const OptimizerTerms& d, const OptimizerStep& step, float p, float g,
                           float& v) {
  if (d.keras) {
    v = d.momentum * v + kSign * step.lr * g;
    return p - kSign * (d.nesterov ? d.momentum * v + kSign * step.lr * g : v);
  }
  v = step.keep * v + step.fresh * g;
  return p - step.lr * (d.nesterov ? g + d.momentum * v : v);
}

// The parameter after the rule; `state` as optimizer_states() lists it.
template <OptimizerDesc::Kind kKind, int kStates>
__device__ float ruled(const OptimizerTerms& d, const OptimizerStep& step, float p, float g,
                       float (&state)[kStates > 0 ? kStates : 1]) {
  using Kind = OptimizerDesc::Kind;
  if constexpr (kKind == Kind::kAdam) {
    float &m = state[0], &v = state[1];
    m = d.keep1 * m + d.share1 * g;
    v = d.keep2 * v + d.share2 * (g * g);
    return p - step.rate * m / (std::sqrt(v) * step.root + d.outside);
  }
  if constexpr (kKind == Kind::kRmsprop) {
    float moment = state[0] = d.keep2 * state[0] + d.share2 * (g * g);
    if constexpr (kStates > 1) {
      if (d.centered) {
        float& a = state[1];
        a = d.keep1 * a + d.share1 * g;
        // s - a^2 is a variance: only rounding can make it negative.
        moment = fmaxf(moment - a * a, 0);
      }
    }
    g = g / (std::sqrt(moment + d.inside) + d.outside);
    if constexpr (kStates == 1) return p - step.lr * g;
    if (kStates == 2 && d.centered) return p - step.lr * g;
    return descended<1>(d, step, p, g, state[kStates - 1]);
  }
  if constexpr (kStates == 0) return p - step.lr * g;
  return descended<-1>(d, step, p, g, state[0]);
}

struct OptimizerArrays {
  float *p, *state[3], *ema;  // ema: or null
  void* copy;                 // of p, or null
  DType copy_type;
  const float* grad;
  const float *lr, *grad_scale, *found;
  const int64_t* t;
};

// One element after scaling, clipping and decay, its rule, the clamp and the average.
template <OptimizerDesc::Kind kKind, int kStates>
__device__ void updated(const OptimizerTerms& d, const OptimizerStep& step, float g, float& p,
                        float (&state)[kStates > 0 ? kStates : 1], float& ema) {
  if (d.clip_value > 0) g = clamped(g, d.clip_value);
  if (d.decoupled) p -= step.lr * d.weight_decay * p;
  if (!d.decoupled) g += d.weight_decay * p;
  p = ruled<kKind, kStates>(d, step, p, g, state);
  if (d.weight_clip > 0) p = clamped(p, d.weight_clip);
  ema = step.ema_keep * ema + step.ema_share * p;
}

// kWidth elements from `at` on.
template <int kWidth, OptimizerDesc::Kind kKind, int kStates>
__device__ void update_pack(const OptimizerTerms& d, const OptimizerStep& step, float scale,
                            const OptimizerArrays& a, int64_t at) {
  constexpr int kRoom = kStates > 0 ? kStates : 1;
  const Pack<float, kWidth> grad = load<kWidth>(a.grad + at);
  Pack<float, kWidth> p = load<kWidth>(a.p + at), ema{}, state[kRoom];
  for (int s = 0; s < kStates; ++s) state[s] = load<kWidth>(a.state[s] + at);
  if (a.ema) ema = load<kWidth>(a.ema + at);
  for (int j = 0; j < kWidth; ++j) {
    float of_one[kRoom];
    for (int s = 0; s < kStates; ++s) of_one[s] = state[s].v[j];
    updated<kKind, kStates>(d, step, scale * grad.v[j], p.v[j], of_one, ema.v[j]);
    for (int s = 0; s < kStates; ++s) state[s].v[j] = of_one[s];
  }
  store<kWidth>(a.p + at, p);
  if (a.copy) {
    if (a.copy_type == DType::kBF16) store<kWidth>(static_cast<BFloat16*>(a.copy) + at, p);
    if (a.copy_type == DType::kF16) store<kWidth>(static_cast<Float16*>(a.copy) + at, p);
    if (a.copy_type == DType::kF32) store<kWidth>(static_cast<float*>(a.copy) + at, p);
  }
  for (int s = 0; s < kStates; ++s) store<kWidth>(a.state[s] + at, state[s]);
  if (a.ema) store<kWidth>(a.ema + at, ema);
}

template <int kWidth, OptimizerDesc::Kind kKind, int kStates>
__global__ void __launch_bounds__(256, 4)
    optimizer_kernel(OptimizerTerms d, OptimizerArrays a, int64_t size) {
  GANTRY_SHARED_ARRAY(OptimizerStep, shared_step, 1);
  if (*a.found != 0) return;
  if (threadIdx.x == 0) work_out<kKind>(d, *a.lr, *a.t, shared_step[0]);
  __syncthreads();
  const OptimizerStep step = shared_step[0];
  const float scale = *a.grad_scale;
  const int64_t packs = size / kWidth;
  for (int64_t pack = thread_in_grid(); pack < packs; pack += threads_in_grid())
    update_pack<kWidth, kKind, kStates>(d, step, scale, a, pack * kWidth);
  const int64_t i = packs * kWidth + thread_in_grid();
  if (i < size) update_pack<1, kKind, kStates>(d, step, scale, a, i);
}

static __global__ void schedule_kernel(ScheduleDesc d, float* lr, int64_t* t) {
  if (threadIdx.x > 0) return;
  *lr = static_cast<float>(scheduled_rate(d, *t));
  *t += 1;
}

static __global__ void loss_scale_kernel(LossScaleDesc d, float* shown, float* before, float* total,
                                         float* scale, int64_t* counts, const float* norm,
                                         const float* found) {
  if (threadIdx.x > 0) return;
  *before = *scale;
  *shown = scale_loss(d, *norm, *found, {scale, &counts[0], &counts[1], &counts[2]});
  *total = static_cast<float>(counts[1]);
}

// One warp.
static __global__ void advance_kernel(AdvanceDesc d, int64_t* step, int64_t* position, int64_t* bad,
                                      const float* values) {
  bool finite = true;
  for (int64_t i = threadIdx.x; i < d.values; i += kWarp)
    finite = finite && std::fabs(values[i]) <= 3.4028234663852886e38f;
  const bool found = __any_sync(kAllLanes, !finite);
  if (threadIdx.x != 0) return;
  *step += 1;
  *position += d.samples;
  if (found && *bad == 0) *bad = *step;
}

}  // namespace gantry::cuda
