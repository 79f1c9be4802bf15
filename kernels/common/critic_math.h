// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "kernels/ops/critic.h"

namespace gantry {

// A residual r = y - x: its share of the energy, and the slope of that.
template <ReconstructionDesc::Kind kKind, typename Real>
GANTRY_HOST_DEVICE inline Real residual_energy(Real r) {
  if constexpr (kKind == ReconstructionDesc::Kind::kSquared) return r * r;
  return r < 0 ? -r : r;
}

template <typename Real>
GANTRY_HOST_DEVICE inline Real sign_of(Real x) {
  return Real(x > 0) - Real(x < 0);
}

template <ReconstructionDesc::Kind kKind, typename Real>
GANTRY_HOST_DEVICE inline Real residual_slope(Real r) {
  if constexpr (kKind == ReconstructionDesc::Kind::kSquared) return 2 * r;
  return sign_of(r);
}

// What one sample of energy e adds to the loss, and the slope of that.
struct EnergyLoss {
  double value, slope;
};

GANTRY_HOST_DEVICE inline EnergyLoss energy_loss(const ReconstructionDesc& d, double e) {
  if (!d.hinge) return {e, 1};
  const double room = static_cast<double>(d.margin) - e;
  return room > 0 ? EnergyLoss{room, -1} : EnergyLoss{0, 0};
}

// BEGAN's k after losses `real` and `fake`.
GANTRY_HOST_DEVICE inline double next_equilibrium(const EquilibriumDesc& d, double k, double real,
                                                  double fake) {
  const double moved =
      k + static_cast<double>(d.lambda) * (static_cast<double>(d.gamma) * real - fake);
  return moved < 0 ? 0 : moved > 1 ? 1 : moved;
}

GANTRY_HOST_DEVICE inline double convergence_measure(const EquilibriumDesc& d, double real,
                                                     double fake) {
  const double balance = static_cast<double>(d.gamma) * real - fake;
  return real + (balance < 0 ? -balance : balance);
}

}  // namespace gantry
