// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace reference {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The x that gives y, for kinds that keep y. Constant pieces of ReLU map to any x of the piece.
double preimage(const Activation& act, double y) {
  switch (act.kind) {
    case ActivationKind::kTanh:
      return std::atanh(y);
    case ActivationKind::kSigmoid:
      return std::log(y) - std::log1p(-y);
    case ActivationKind::kELU:
      return y > 0 ? y : std::log1p(y / static_cast<double>(act.alpha));
    case ActivationKind::kSoftplus:
      return y + std::log(-std::expm1(-y));
    case ActivationKind::kLeakyReLU:
      return y > 0 ? y : y / static_cast<double>(act.alpha);
    default:
      return y;
  }
}

}  // namespace

double activation_value(const Activation& act, double x) {
  const double alpha = static_cast<double>(act.alpha);
  switch (act.kind) {
    case ActivationKind::kIdentity:
      return x;
    case ActivationKind::kReLU:
      return x > 0 ? x : 0;
    case ActivationKind::kLeakyReLU:
      return x > 0 ? x : alpha * x;
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kSigmoid:
      return sigmoid(x);
    case ActivationKind::kELU:
      return x > 0 ? x : alpha * std::expm1(x);
    case ActivationKind::kSiLU:
      return x * sigmoid(x);
    case ActivationKind::kSoftplus:
      return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  }
  return x;
}

double activation_slope(const Activation& act, double x) {
  const double alpha = static_cast<double>(act.alpha), s = sigmoid(x);
  switch (act.kind) {
    case ActivationKind::kIdentity:
      return 1;
    case ActivationKind::kReLU:
      return x > 0 ? 1 : 0;
    case ActivationKind::kLeakyReLU:
      return x > 0 ? 1 : alpha;
    case ActivationKind::kTanh:
      return 1 - std::tanh(x) * std::tanh(x);
    case ActivationKind::kSigmoid:
      return s * (1 - s);
    case ActivationKind::kELU:
      return x > 0 ? 1 : alpha * std::exp(x);
    case ActivationKind::kSiLU:
      return s + x * s * (1 - s);
    case ActivationKind::kSoftplus:
      return s;
  }
  return 1;
}

double activation_curvature(const Activation& act, double x) {
  const double alpha = static_cast<double>(act.alpha), s = sigmoid(x), t = std::tanh(x);
  switch (act.kind) {
    case ActivationKind::kTanh:
      return -2 * t * (1 - t * t);
    case ActivationKind::kSigmoid:
      return s * (1 - s) * (1 - 2 * s);
    case ActivationKind::kELU:
      return x > 0 ? 0 : alpha * std::exp(x);
    case ActivationKind::kSiLU:
      return s * (1 - s) * (2 + x * (1 - 2 * s));
    case ActivationKind::kSoftplus:
      return s * (1 - s);
    default:
      return 0;
  }
}

}  // namespace reference

using reference::Args;
using reference::loop;

Kernels::Made ReferenceKernels::make_activation(const ActivationDesc& d, ActivationPass pass) {
  const Activation act = d.activation;
  const int64_t count = d.x.elements();
  const auto x_of = [act](double s) {
    return saves_output(act.kind) ? reference::preimage(act, s) : s;
  };
  if (pass == ActivationPass::kForward) {
    return loop(2, [=](Args a) {
      for (int64_t k = 0; k < count; ++k)
        a.real(0)[k] = reference::activation_value(act, a.real(1)[k]);
    });
  }
  if (pass == ActivationPass::kBackward || piecewise_linear(act.kind)) {
    return loop(3, [=](Args a) {
      for (int64_t k = 0; k < count; ++k)
        a.real(0)[k] = reference::activation_slope(act, x_of(a.real(1)[k])) * a.real(2)[k];
    });
  }
  return loop(5, [=](Args a) {
    for (int64_t k = 0; k < count; ++k) {
      const double x = x_of(a.real(2)[k]), dy = a.real(3)[k], ux = a.real(4)[k];
      a.real(0)[k] = reference::activation_slope(act, x) * ux;
      a.real(1)[k] = reference::activation_curvature(act, x) * dy * ux;
    }
  });
}

}  // namespace gantry
