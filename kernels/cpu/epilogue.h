// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/ops/activation.h"

namespace gantry {

// What a convolution or dense kernel applies to its output itself: y = f(y + b) with f identity,
// ReLU or LeakyReLU. Other activations are kernels of their own.
struct Epilogue {
  bool bias = false;
  Activation activation;  // piecewise linear

  bool empty() const { return !bias && activation.kind == ActivationKind::kIdentity; }
  // The factor of negative values: 1, 0 or the slope.
  float slope() const;
  // In place over rows x channels; b may be null without bias.
  void run(float* y, int64_t rows, int64_t channels, const float* b) const;
  // The same on the calling thread alone.
  void run_here(float* y, int64_t rows, int64_t channels, const float* b) const;
};

}  // namespace gantry
