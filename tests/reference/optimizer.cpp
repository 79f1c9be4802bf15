// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

// One parameter with the states that its rule keeps, by the rules of optimizer.h.
struct Parameter {
  double* p;
  double* state[3];
};

double adam_step(const OptimizerDesc& d, const Parameter& w, double g, double lr, double t) {
  const double b1 = d.beta1, b2 = d.beta2;
  double &m = *w.state[0], &v = *w.state[1];
  m = b1 * m + (1 - b1) * g;
  v = b2 * v + (1 - b2) * g * g;
  const double c1 = 1 - std::pow(b1, t), c2 = 1 - std::pow(b2, t);
  if (d.variant == OptimizerDesc::Variant::kPyTorch)
    return lr * (m / c1) / (std::sqrt(v / c2) + d.eps);
  return lr * std::sqrt(c2) / c1 * m / (std::sqrt(v) + d.eps);
}

double rmsprop_step(const OptimizerDesc& d, const Parameter& w, double g, double lr) {
  const double rho = d.rho;
  double& s = *w.state[0];
  s = rho * s + (1 - rho) * g * g;
  double moment = s;
  if (d.centered) {
    double& a = *w.state[1];
    a = rho * a + (1 - rho) * g;
    moment = s - a * a;
  }
  const double step = d.variant == OptimizerDesc::Variant::kPyTorch
                          ? g / (std::sqrt(moment) + d.eps)
                          : g / std::sqrt(moment + d.eps);
  if (d.momentum <= 0) return lr * step;
  double& v = *w.state[d.centered ? 2 : 1];
  if (d.variant == OptimizerDesc::Variant::kKeras) return v = d.momentum * v + lr * step;
  v = d.momentum * v + step;
  return lr * v;
}

double sgd_step(const OptimizerDesc& d, const Parameter& w, double g, double lr, double t) {
  if (d.momentum <= 0) return lr * g;
  double& v = *w.state[0];
  if (d.variant == OptimizerDesc::Variant::kKeras) {
    v = d.momentum * v - lr * g;
    return d.nesterov ? lr * g - d.momentum * v : -v;
  }
  v = t <= 1 ? g : d.momentum * v + (1 - d.dampening) * g;
  return lr * (d.nesterov ? g + d.momentum * v : v);
}

void update(const OptimizerDesc& d, const Parameter& w, double g, double lr, double t) {
  if (d.clip_value > 0) g = std::clamp(g, -d.clip_value, d.clip_value);
  if (d.decoupled) *w.p -= lr * d.weight_decay * *w.p;
  if (!d.decoupled) g += d.weight_decay * *w.p;
  switch (d.kind) {
    case OptimizerDesc::Kind::kSgd:
      *w.p -= sgd_step(d, w, g, lr, t);
      break;
    case OptimizerDesc::Kind::kAdam:
      *w.p -= adam_step(d, w, g, lr, t);
      break;
    case OptimizerDesc::Kind::kRmsprop:
      *w.p -= rmsprop_step(d, w, g, lr);
      break;
  }
  if (d.weight_clip > 0) *w.p = std::clamp(*w.p, -d.weight_clip, d.weight_clip);
}

double scheduled(const ScheduleDesc& d, double t) {
  const double lr = d.lr, every = static_cast<double>(d.every);
  const double from = static_cast<double>(d.from), until = static_cast<double>(d.until);
  switch (d.kind) {
    case ScheduleDesc::Kind::kConstant:
      return lr;
    case ScheduleDesc::Kind::kInverseTime:
      return lr / (1 + d.decay * t);
    case ScheduleDesc::Kind::kExponential:
      return lr * std::pow(d.decay, t / every);
    case ScheduleDesc::Kind::kStep:
      return lr * std::pow(d.decay, std::floor(t / every));
    case ScheduleDesc::Kind::kLinear:
      return lr * (1 - std::clamp((t - from) / (until - from), 0.0, 1.0));
    case ScheduleDesc::Kind::kCosine: {
      const double phase = std::min(t / until, 1.0) * std::acos(-1.0);
      return d.floor + (lr - d.floor) * (1 + std::cos(phase)) / 2;
    }
  }
  return lr;
}

}  // namespace

Kernels::Made ReferenceKernels::make_optimizer(const OptimizerDesc& d) {
  const size_t states = static_cast<size_t>(optimizer_states(d));
  const bool ema = d.ema_decay >= 0;
  const size_t copy = 1 + states + (ema ? 1 : 0), in = copy + (d.narrow ? 1 : 0);
  return loop(in + 5, [=](Args a) {
    const double lr = *a.real(in + 1), scale = *a.real(in + 3), found = *a.real(in + 4);
    const int64_t t = *a.counter(in + 2);
    if (found != 0) return;
    for (int64_t k = 0; k < d.size; ++k) {
      Parameter w{a.real(0) + k, {}};
      for (size_t s = 0; s < states; ++s) w.state[s] = a.real(1 + s) + k;
      update(d, w, a.real(in)[k] * scale, lr, static_cast<double>(t));
      if (d.narrow) a.real(copy)[k] = *w.p;
      if (!ema) continue;
      double& average = a.real(1 + states)[k];
      const double decay = t < d.ema_start ? 0 : d.ema_decay;
      average = decay * average + (1 - decay) * *w.p;
    }
  });
}

Kernels::Made ReferenceKernels::make_grad_norm(const GradNormDesc& d) {
  return loop(d.scaled ? 5 : 4, [d](Args a) {
    double sum = 0, found = 0;
    for (int64_t k = 0; k < d.size; ++k) {
      sum += a.real(3)[k] * a.real(3)[k];
      found += std::isfinite(a.real(3)[k]) ? 0 : 1;
    }
    const double s = d.scaled ? *a.real(4) : 1, norm = std::sqrt(sum) / s;
    *a.real(0) = norm;
    *a.real(1) = (d.max_norm > 0 ? std::min(1.0, d.max_norm / (norm + 1e-6)) : 1) / s;
    *a.real(2) = found;
  });
}

Kernels::Made ReferenceKernels::make_schedule(const ScheduleDesc& d) {
  return loop(2, [d](Args a) {
    const double t = static_cast<double>(*a.counter(1));
    const double ramp = d.warmup > 0 ? std::min(1.0, (t + 1) / static_cast<double>(d.warmup)) : 1;
    *a.real(0) = scheduled(d, t) * ramp;
    *a.counter(1) += 1;
  });
}

Kernels::Made ReferenceKernels::make_advance(const AdvanceDesc& d) {
  return loop(4, [d](Args a) {
    *a.counter(0) += 1;
    *a.counter(1) += d.samples;
    for (int64_t i = 0; i < d.values; ++i) {
      if (!std::isfinite(a.real(3)[i]) && *a.counter(2) == 0) *a.counter(2) = *a.counter(0);
    }
  });
}

Kernels::Made ReferenceKernels::make_loss_scale(const LossScaleDesc& d) {
  return loop(7, [d](Args a) {
    double& s = *a.real(3);
    int64_t* counts = a.counter(4);
    const bool finite = *a.real(6) == 0;
    *a.real(1) = s;
    counts[0] = finite ? counts[0] + 1 : 0;
    counts[1] += finite ? 0 : 1;
    counts[2] = finite ? 0 : counts[2] + 1;
    if (!finite) s = std::max(s / 2, 1.0);
    if (counts[0] == d.interval) {
      s = std::min(s * 2, std::exp2(24));
      counts[0] = 0;
    }
    *a.real(0) = finite ? *a.real(5) : counts[2] < d.patience ? 0 : std::nan("");
    *a.real(2) = static_cast<double>(counts[1]);
  });
}

Kernels::Made ReferenceKernels::make_historical_average(const HistoricalAverageDesc& d) {
  return loop(4, [d](Args a) {
    const double t = static_cast<double>(*a.counter(3));
    for (int64_t i = 0; i < d.size; ++i) {
      const double p = a.real(2)[i];
      a.real(1)[i] = (t * a.real(1)[i] + p) / (t + 1);
      a.real(0)[i] += 2 * d.weight * (p - a.real(1)[i]);
    }
  });
}

}  // namespace gantry
