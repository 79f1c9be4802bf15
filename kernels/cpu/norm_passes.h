// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/kernel.h"
#include "kernels/ops/norm.h"

namespace gantry::cpu {

// Each in the file of its name.
std::shared_ptr<Kernel> norm_forward(const NormDesc& desc, int threads);
std::shared_ptr<Kernel> norm_inference(const NormDesc& desc, int threads);
std::shared_ptr<Kernel> norm_backward(const NormDesc& desc, bool parameters, int threads);
std::shared_ptr<Kernel> norm_double_backward(const NormDesc& desc, int threads);

// The fused activation: z where z > 0, else slope z.
inline float norm_slope(const Activation& act) {
  if (act.kind == ActivationKind::kLeakyReLU) return act.alpha;
  return act.kind == ActivationKind::kReLU ? 0.0f : 1.0f;
}

}  // namespace gantry::cpu
