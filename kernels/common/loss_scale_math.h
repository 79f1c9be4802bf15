// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/philox.h"
#include "kernels/ops/optimizer.h"

namespace gantry {

// Where the numbers of kernels/ops/optimizer.h's LossScaleDesc stand.
struct LossScaleState {
  float* scale;
  int64_t *clean, *skipped, *in_a_row;
};

// The state after an update whose gradient had `found` elements that are not finite. Returns the
// gradient's norm as it is to be shown.
GANTRY_HOST_DEVICE inline float scale_loss(const LossScaleDesc& d, float norm, float found,
                                           const LossScaleState& of) {
  constexpr float kLeast = 1, kMost = 16777216;
  if (found == 0) {
    *of.in_a_row = 0;
    if (++*of.clean < d.interval) return norm;
    *of.clean = 0;
    *of.scale = *of.scale * 2 < kMost ? *of.scale * 2 : kMost;
    return norm;
  }
  *of.clean = 0;
  *of.skipped += 1;
  *of.in_a_row += 1;
  *of.scale = *of.scale / 2 > kLeast ? *of.scale / 2 : kLeast;
  return *of.in_a_row < d.patience ? 0.0f : __builtin_nanf("");
}

}  // namespace gantry
