// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"

namespace gantry {

// One latent of a variational autoencoder, kernels/ops/variational.h: mean mu, log variance v,
// noise eps, gradient dz, weight of the divergence w.
template <typename Math, typename Real>
struct VariationalTerm {
  Real mu, v;

  GANTRY_HOST_DEVICE Real sample(Real eps) const { return mu + Math::exp(v / 2) * eps; }
  // expm1 keeps the digits of exp(v) - 1 - v where v is small.
  GANTRY_HOST_DEVICE Real divergence() const { return (mu * mu + (Math::expm1(v) - v)) / 2; }
  GANTRY_HOST_DEVICE Real dmu(Real dz, Real w) const { return dz + w * mu; }
  GANTRY_HOST_DEVICE Real dv(Real dz, Real eps, Real w) const {
    return (dz * eps * Math::exp(v / 2) + w * Math::expm1(v)) / 2;
  }
};

}  // namespace gantry
