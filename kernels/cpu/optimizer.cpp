// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/common/loss_scale_math.h"
#include "kernels/common/schedule_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;
using OptimizerKind = OptimizerDesc::Kind;
using Variant = OptimizerDesc::Variant;

// Elements worked on at a time. They stay in the first-level cache, so the update is one pass over
// memory although it is written as several short loops, each of which vectorises.
constexpr int64_t kTile = 1024;

// One tile: parameters, up to three states, the gradient after scaling, clipping and L2 decay.
struct Tile {
  int64_t size;
  float* p;
  float* state[3] = {};
  float g[kTile];
};

// The learning rate and what follows from the step number, worked out in f64 once per run.
struct Step {
  double lr;
  int64_t t;
  double correction1, correction2;  // adam: 1 - beta^t

  Step(const OptimizerDesc& d, float rate, int64_t updates)
      : lr(static_cast<double>(rate)),
        t(updates),
        correction1(1 - std::pow(d.beta1, static_cast<double>(updates))),
        correction2(1 - std::pow(d.beta2, static_cast<double>(updates))) {}
};

float narrow(double x) { return static_cast<float>(x); }

void adam(const OptimizerDesc& d, const Step& step, Tile& w) {
  const double c1 = step.correction1, c2 = step.correction2;
  const bool keras = d.variant == Variant::kKeras;
  const float b1 = narrow(d.beta1), a1 = narrow(1 - d.beta1), eps = narrow(d.eps);
  const float b2 = narrow(d.beta2), a2 = narrow(1 - d.beta2);
  const float rate = narrow(keras ? step.lr * std::sqrt(c2) / c1 : step.lr / c1);
  const float root = narrow(keras ? 1 : 1 / std::sqrt(c2));
  float *p = w.p, *m = w.state[0], *v = w.state[1];
#pragma omp simd
  for (int64_t i = 0; i < w.size; ++i) {
    m[i] = b1 * m[i] + a1 * w.g[i];
    v[i] = b2 * v[i] + a2 * (w.g[i] * w.g[i]);
    p[i] -= rate * m[i] / (std::sqrt(v[i]) * root + eps);
  }
}

// g becomes the step of RMSprop before momentum.
void rmsprop_direction(const OptimizerDesc& d, Tile& w) {
  const float rho = narrow(d.rho), share = narrow(1 - d.rho), eps = narrow(d.eps);
  const float inside = d.variant == Variant::kKeras ? eps : 0.0f;
  const float outside = d.variant == Variant::kKeras ? 0.0f : eps;
  float *s = w.state[0], *a = w.state[1];
  if (d.centered) {
#pragma omp simd
    for (int64_t i = 0; i < w.size; ++i) {
      s[i] = rho * s[i] + share * (w.g[i] * w.g[i]);
      a[i] = rho * a[i] + share * w.g[i];
      // s - a^2 is a variance: only rounding can make it negative.
      const float spread = std::max(s[i] - a[i] * a[i], 0.0f);
      w.g[i] = w.g[i] / (std::sqrt(spread + inside) + outside);
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < w.size; ++i) {
    s[i] = rho * s[i] + share * (w.g[i] * w.g[i]);
    w.g[i] = w.g[i] / (std::sqrt(s[i] + inside) + outside);
  }
}

// p -= lr g, with the momentum of each variant kept in v. fresh: the share of g in v.
void descend(const OptimizerDesc& d, float lr, float keep, float fresh, float* v, Tile& w) {
  const float momentum = narrow(d.momentum), *g = w.g;
  const bool nesterov = d.kind == OptimizerKind::kSgd && d.nesterov;
  float* p = w.p;
  if (d.momentum <= 0) {
#pragma omp simd
    for (int64_t i = 0; i < w.size; ++i) p[i] -= lr * g[i];
    return;
  }
  if (d.variant == Variant::kKeras) {
    const float sign = d.kind == OptimizerKind::kSgd ? -1.0f : 1.0f;  // SGD's v points downhill
#pragma omp simd
    for (int64_t i = 0; i < w.size; ++i) {
      v[i] = momentum * v[i] + sign * lr * g[i];
      const float ahead = momentum * v[i] + sign * lr * g[i];
      p[i] -= sign * (nesterov ? ahead : v[i]);
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < w.size; ++i) {
    v[i] = keep * v[i] + fresh * g[i];
    p[i] -= lr * (nesterov ? g[i] + momentum * v[i] : v[i]);
  }
}

void load_gradient(const OptimizerDesc& d, float scale, float lr, const float* grad, Tile& w) {
  float* p = w.p;
#pragma omp simd
  for (int64_t i = 0; i < w.size; ++i) w.g[i] = grad[i] * scale;
  if (d.clip_value > 0) {
    const float limit = narrow(d.clip_value);
    for (int64_t i = 0; i < w.size; ++i) w.g[i] = std::clamp(w.g[i], -limit, limit);
  }
  if (d.weight_decay == 0) return;
  const float decay = narrow(d.weight_decay);
  if (d.decoupled) {
    const float keep = lr * decay;
    for (int64_t i = 0; i < w.size; ++i) p[i] -= keep * p[i];
  } else {
    for (int64_t i = 0; i < w.size; ++i) w.g[i] += decay * p[i];
  }
}

void update(const OptimizerDesc& d, const Step& step, Tile& w) {
  const float lr = narrow(step.lr), momentum = narrow(d.momentum);
  if (d.kind == OptimizerKind::kAdam) {
    adam(d, step, w);
  } else if (d.kind == OptimizerKind::kRmsprop) {
    rmsprop_direction(d, w);
    descend(d, lr, momentum, 1, w.state[d.centered ? 2 : 1], w);
  } else {
    const bool first = step.t <= 1;
    descend(d, lr, first ? 0 : momentum, first ? 1 : narrow(1 - d.dampening), w.state[0], w);
  }
  if (d.weight_clip > 0) {
    const float limit = narrow(d.weight_clip);
    for (int64_t i = 0; i < w.size; ++i) w.p[i] = std::clamp(w.p[i], -limit, limit);
  }
}

void average(const OptimizerDesc& d, int64_t t, const Tile& w, float* ema) {
  const double decay = t < d.ema_start ? 0 : d.ema_decay;
  const float keep = narrow(decay), share = narrow(1 - decay);
  const float* p = w.p;
#pragma omp simd
  for (int64_t i = 0; i < w.size; ++i) ema[i] = keep * ema[i] + share * p[i];
}

}  // namespace

CpuKernels::Made CpuKernels::make_optimizer(const OptimizerDesc& d) {
  const size_t states = static_cast<size_t>(optimizer_states(d));
  const bool ema = d.ema_decay >= 0;
  const size_t copy = 1 + states + (ema ? 1 : 0), in = copy + (d.narrow ? 1 : 0);
  const cpu::Pieces tiles{d.size, kTile};
  return cpu::loop_kernel(in + 5, 0, [=, threads = threads()](Args a, void*) {
    const Step step(d, *a.real(in + 1), *a.counter(in + 2));
    const float scale = *a.real(in + 3);
    if (*a.real(in + 4) != 0) return;
    cpu::parallel_for(threads, tiles.count(), [&](int64_t k) {
      const int64_t begin = tiles.begin(k);
      Tile w;
      w.size = tiles.size_of(k);
      w.p = a.real(0) + begin;
      for (size_t s = 0; s < states; ++s) w.state[s] = a.real(1 + s) + begin;
      load_gradient(d, scale, narrow(step.lr), a.real(in) + begin, w);
      update(d, step, w);
      if (ema) average(d, step.t, w, a.real(1 + states) + begin);
      if (d.narrow) std::copy_n(w.p, w.size, a.real(copy) + begin);
    });
  });
}

CpuKernels::Made CpuKernels::make_schedule(const ScheduleDesc& d) {
  return cpu::loop_kernel(2, 0, [d](Args a, void*) {
    *a.real(0) = narrow(scheduled_rate(d, *a.counter(1)));
    *a.counter(1) += 1;
  });
}

CpuKernels::Made CpuKernels::make_historical_average(const HistoricalAverageDesc& d) {
  return cpu::loop_kernel(4, 0, [d, threads = threads()](Args a, void*) {
    float *grad = a.real(0), *mean = a.real(1);
    const float* p = a.real(2);
    const float share = narrow(1 / static_cast<double>(*a.counter(3) + 1));
    const float pull = narrow(2 * d.weight);
    cpu::parallel_ranges(threads, d.size, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        mean[i] += share * (p[i] - mean[i]);
        grad[i] += pull * (p[i] - mean[i]);
      }
    });
  });
}

CpuKernels::Made CpuKernels::make_advance(const AdvanceDesc& d) {
  return cpu::loop_kernel(4, 0, [d](Args a, void*) {
    const int64_t step = *a.counter(0) += 1;
    *a.counter(1) += d.samples;
    const float* values = a.real(3);
    const bool finite =
        std::all_of(values, values + d.values, [](float value) { return std::isfinite(value); });
    if (!finite && *a.counter(2) == 0) *a.counter(2) = step;
  });
}

CpuKernels::Made CpuKernels::make_loss_scale(const LossScaleDesc& d) {
  return cpu::loop_kernel(7, 0, [d](Args a, void*) {
    int64_t* counts = a.counter(4);
    *a.real(1) = *a.real(3);
    *a.real(0) =
        scale_loss(d, *a.real(5), *a.real(6), {a.real(3), &counts[0], &counts[1], &counts[2]});
    *a.real(2) = static_cast<float>(counts[1]);
  });
}

}  // namespace gantry
