// SPDX-License-Identifier: Apache-2.0
#include "kernels/ops/activation.h"

namespace gantry {

const char* activation_name(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kIdentity:
      return "identity";
    case ActivationKind::kReLU:
      return "relu";
    case ActivationKind::kLeakyReLU:
      return "leaky_relu";
    case ActivationKind::kTanh:
      return "tanh";
    case ActivationKind::kSigmoid:
      return "sigmoid";
    case ActivationKind::kELU:
      return "elu";
    case ActivationKind::kSiLU:
      return "silu";
    case ActivationKind::kSoftplus:
      return "softplus";
  }
  return "?";
}

bool saves_output(ActivationKind kind) { return kind != ActivationKind::kSiLU; }

bool piecewise_linear(ActivationKind kind) {
  return kind == ActivationKind::kIdentity || kind == ActivationKind::kReLU ||
         kind == ActivationKind::kLeakyReLU;
}

}  // namespace gantry
