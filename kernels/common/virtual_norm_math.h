// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"

namespace gantry {

// The algebra of kernels/ops/virtual_norm.h for one channel of one sample, with its own mean a and
// variance v beside the reference's m0, v0. Without differences of large numbers:
//   q - m^2 = (1 - w) v0 + w v + w (1 - w) (a - m0)^2
struct VirtualMoments {
  double mean, variance;
};

GANTRY_HOST_DEVICE inline VirtualMoments virtual_moments(double w, double m0, double v0, double a,
                                                         double v) {
  const double gap = a - m0;
  return {m0 + w * gap, (1 - w) * v0 + w * v + w * (1 - w) * gap * gap};
}

// What reaches a, v, m0 and v0 from an example: d1 = sum of d, d2 = sum of d (x - m), d = gamma dy.
struct VirtualDeltas {
  double own_mean, own_variance, mean, variance;
};

GANTRY_HOST_DEVICE inline VirtualDeltas virtual_deltas(double w, double rstd, double gap, double d1,
                                                       double d2) {
  const double by_mean = -rstd * d1, by_variance = -0.5 * rstd * rstd * rstd * d2;
  const double by_gap = 2 * w * (1 - w) * gap * by_variance;
  return {w * by_mean + by_gap, w * by_variance, (1 - w) * by_mean - by_gap, (1 - w) * by_variance};
}

}  // namespace gantry
