// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tensor.h"

namespace gantry {

enum class ActivationKind : uint8_t {
  kIdentity,
  kReLU,       // max(x, 0)
  kLeakyReLU,  // x or alpha x
  kTanh,
  kSigmoid,
  kELU,       // x or alpha (exp(x) - 1)
  kSiLU,      // x sigmoid(x)
  kSoftplus,  // log(1 + exp(x))
};

struct Activation {
  ActivationKind kind = ActivationKind::kIdentity;
  float alpha = 0;  // LeakyReLU slope > 0, ELU scale > 0
  bool operator==(const Activation&) const = default;
};

const char* activation_name(ActivationKind kind);  // the name in configs: "leaky_relu"

// f' can be had from y alone, so x need not be kept (and y may overwrite x).
// True for all but SiLU. (ELU: y > 0 iff x > 0, and f' = y + alpha below; softplus: 1 - exp(-y).)
bool saves_output(ActivationKind kind);
// f'' is zero almost everywhere.
bool piecewise_linear(ActivationKind kind);

struct ActivationDesc {
  Shape x;
  Activation activation{};
};

// s is y where saves_output(kind), else x.
enum class ActivationPass {
  kForward,         // {y | x}             y may be x
  kBackward,        // {dx | s, dy}        dx = f'(s) dy; dx may be dy
  kDoubleBackward,  // {uy, hx | s, dy, ux}  uy = f' ux, hx = f'' dy ux
                    // piecewise linear kinds: {uy | s, ux}
};

}  // namespace gantry
