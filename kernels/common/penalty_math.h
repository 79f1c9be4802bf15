// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"
#include "kernels/ops/penalty.h"

namespace gantry {

// p and dp/dg = slope * g of one sample with sum of squares |g|^2: see kernels/ops/penalty.h.
struct PenaltyTerm {
  double value, slope;
};

GANTRY_HOST_DEVICE inline PenaltyTerm penalty_term(GradientPenaltyDesc::Kind kind, double target,
                                                   double squares) {
  using Kind = GradientPenaltyDesc::Kind;
  if (kind == Kind::kSquared) return {0.5 * squares, 1};
  const double r = std::sqrt(squares + 1e-10);
  const double excess = r - target;
  if (kind == Kind::kOneSided && excess < 0) return {0, 0};
  return {excess * excess, 2 * excess / r};
}

}  // namespace gantry
