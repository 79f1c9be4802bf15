// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"
#include "kernels/ops/optimizer.h"

namespace gantry {

// The learning rate of the next update when `done` updates have been made: kernels/ops/optimizer.h.
GANTRY_HOST_DEVICE inline double scheduled_rate(const ScheduleDesc& d, int64_t done) {
  using Kind = ScheduleDesc::Kind;
  const double t = static_cast<double>(done), every = static_cast<double>(d.every);
  const double from = static_cast<double>(d.from), until = static_cast<double>(d.until);
  double rate = d.lr;
  if (d.kind == Kind::kInverseTime) rate = d.lr / (1 + d.decay * t);
  if (d.kind == Kind::kExponential) rate = d.lr * std::pow(d.decay, t / every);
  if (d.kind == Kind::kStep) rate = d.lr * std::pow(d.decay, std::floor(t / every));
  if (d.kind == Kind::kLinear) {
    const double f = (t - from) / (until - from);
    rate = d.lr * (1 - (f < 0 ? 0 : f > 1 ? 1 : f));
  }
  if (d.kind == Kind::kCosine) {
    const double f = t < until ? t / until : 1;
    rate = d.floor + (d.lr - d.floor) * (1 + std::cos(3.14159265358979323846 * f)) / 2;
  }
  if (done + 1 < d.warmup) rate *= (t + 1) / static_cast<double>(d.warmup);
  return rate;
}

}  // namespace gantry
