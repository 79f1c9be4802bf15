// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"

namespace gantry {

// The algebra of a normalised group of m values, design section 6, in the form that a pass over the
// elements applies. With c = x - mean, d = gamma dz, dz the delta behind the activation, u = ux:
//   p = mean(xhat d), q = mean(xhat u), K = mean(d u) - mean(d) mean(u) - p q

// dx = rstd (d - mean(d) - xhat p) = gamma rstd dz + by_centred c + constant.
template <typename Real>
struct NormBackward {
  Real by_centred, constant;

  // mean_dc = mean(d c)
  GANTRY_HOST_DEVICE NormBackward(Real rstd, Real mean_d, Real mean_dc)
      : by_centred(-rstd * rstd * rstd * mean_dc), constant(-rstd * mean_d) {}
};

// uy = f' gamma rstd P(u), P(u) = u + u_by_centred c + u_constant
// hx = -rstd^2 [K xhat + q P(d) + p P(u)]
//    = by_centred c + by_dz gamma dz + by_u u + constant
// dgamma += sum dz rstd P(u)
template <typename Real>
struct NormDoubleBackward {
  Real u_by_centred, u_constant;
  Real by_centred, by_d, by_u, constant;

  // Means over the group of d, d c, u, u c, d u.
  struct Means {
    Real d = 0, dc = 0, u = 0, uc = 0, du = 0;
  };

  GANTRY_HOST_DEVICE NormDoubleBackward(Real rstd, const Means& mean) {
    const Real p = rstd * mean.dc, q = rstd * mean.uc, square = rstd * rstd;
    const Real k = mean.du - mean.d * mean.u - p * q;
    u_by_centred = -rstd * q;
    u_constant = -mean.u;
    by_centred = -square * rstd * (k - 2 * p * q);
    by_d = -square * q;
    by_u = -square * p;
    constant = square * (q * mean.d + p * mean.u);
  }
};

}  // namespace gantry
