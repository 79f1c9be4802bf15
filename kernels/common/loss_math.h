// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "kernels/ops/loss.h"

namespace gantry {

// l(x, t), dl/dx, and whether the element counts for the rate: see kernels/ops/loss.h.
template <typename Real>
struct LossTerm {
  Real value, slope;
  bool right;
};

template <LossDesc::Kind kKind, typename Math, typename Real>
GANTRY_HOST_DEVICE inline LossTerm<Real> loss_term(Real x, Real t) {
  using Kind = LossDesc::Kind;
  const Real difference = x - t, distance = difference < 0 ? -difference : difference;
  if constexpr (kKind == Kind::kBceLogits) {
    // softplus(x) - t x and sigmoid(x) - t with the part that cancels for t = 1, x > 0 taken out
    // beforehand: both stay exact to the last digits where they are small.
    const Real e = Math::exp(x < 0 ? x : -x), small = e / (1 + e);
    const Real value = (x > 0 ? (1 - t) * x : -t * x) + Math::log1p(e);
    return {value, x > 0 ? (1 - t) - small : small - t, (x > 0) == (t > Real(0.5))};
  }
  if constexpr (kKind == Kind::kMse)
    return {difference * difference, 2 * difference, distance < Real(0.5)};
  if constexpr (kKind == Kind::kL1) {
    const Real slope = Real(difference > 0) - Real(difference < 0);
    return {distance, slope, distance < Real(0.5)};
  }
  if constexpr (kKind == Kind::kHinge) {
    const Real margin = 1 - t * x;
    return {margin > 0 ? margin : Real(0), margin > 0 ? -t : Real(0), t * x > 0};
  }
  return {t * x, t, t * x < 0};  // linear
}

}  // namespace gantry
