// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/philox.h"
#include "kernels/ops/activation.h"

namespace gantry {

// The C library's functions; backends may pass faster ones of the same names.
struct LibraryMath {
  template <typename Real>
  GANTRY_HOST_DEVICE static Real exp(Real x) {
    return std::exp(x);
  }
  template <typename Real>
  GANTRY_HOST_DEVICE static Real expm1(Real x) {
    return std::expm1(x);
  }
  template <typename Real>
  GANTRY_HOST_DEVICE static Real log1p(Real x) {
    return std::log1p(x);
  }
  template <typename Real>
  GANTRY_HOST_DEVICE static Real tanh(Real x) {
    return std::tanh(x);
  }
};

// 1 / (1 + exp(-x)) without overflow.
template <typename Math, typename Real>
GANTRY_HOST_DEVICE inline Real sigmoid(Real x) {
  const Real e = Math::exp(x < 0 ? x : -x);
  return (x < 0 ? e : Real(1)) / (1 + e);
}

// log(1 + exp(x)) without overflow.
template <typename Math, typename Real>
GANTRY_HOST_DEVICE inline Real softplus(Real x) {
  return (x > 0 ? x : Real(0)) + Math::log1p(Math::exp(x < 0 ? x : -x));
}

// One activation with its kind fixed at compile time: y = value(x), f' = slope(s) and
// f'' = curvature(s), where s is y, or x for kinds that do not save their output.
template <ActivationKind kKind, typename Math, typename Real>
struct ActivationMath {
  using Kind = ActivationKind;
  Real alpha;

  GANTRY_HOST_DEVICE Real value(Real x) const {
    if constexpr (kKind == Kind::kReLU) return x < 0 ? Real(0) : x;
    if constexpr (kKind == Kind::kLeakyReLU) return x > 0 ? x : alpha * x;
    if constexpr (kKind == Kind::kTanh) return Math::tanh(x);
    if constexpr (kKind == Kind::kSigmoid) return sigmoid<Math>(x);
    if constexpr (kKind == Kind::kELU) return x > 0 ? x : alpha * Math::expm1(x > 0 ? Real(0) : x);
    if constexpr (kKind == Kind::kSiLU) return x * sigmoid<Math>(x);
    if constexpr (kKind == Kind::kSoftplus) return softplus<Math>(x);
    return x;
  }

  GANTRY_HOST_DEVICE Real slope(Real s) const {
    if constexpr (kKind == Kind::kReLU) return s > 0 ? Real(1) : Real(0);
    if constexpr (kKind == Kind::kLeakyReLU) return s > 0 ? Real(1) : alpha;
    if constexpr (kKind == Kind::kTanh) return 1 - s * s;
    if constexpr (kKind == Kind::kSigmoid) return s * (1 - s);
    if constexpr (kKind == Kind::kELU) return s > 0 ? Real(1) : s + alpha;
    if constexpr (kKind == Kind::kSiLU) {
      const Real f = sigmoid<Math>(s);
      return f * (1 + s * (1 - f));
    }
    if constexpr (kKind == Kind::kSoftplus) return -Math::expm1(-s);
    return 1;
  }

  GANTRY_HOST_DEVICE Real curvature(Real s) const {
    if constexpr (kKind == Kind::kTanh) return -2 * s * (1 - s * s);
    if constexpr (kKind == Kind::kSigmoid) return s * (1 - s) * (1 - 2 * s);
    if constexpr (kKind == Kind::kELU) return s > 0 ? Real(0) : s + alpha;
    if constexpr (kKind == Kind::kSiLU) {
      const Real f = sigmoid<Math>(s);
      return f * (1 - f) * (2 + s * (1 - 2 * f));
    }
    if constexpr (kKind == Kind::kSoftplus) {
      const Real f = -Math::expm1(-s);
      return f * (1 - f);
    }
    return 0;
  }
};

}  // namespace gantry
