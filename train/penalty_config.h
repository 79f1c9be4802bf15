// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/fields.h"

namespace gantry {

// weight * E (|grad D(x^)| - target)^2, one-sided: only norms above the target count.
struct SlopePenaltyConfig {
  double weight = 0;  // 0: none
  double target = 1;
  bool one_sided = false;
  double spread = 0.5;  // dragan: how far, in standard deviations, x^ may lie above the sample

  void describe(Fields& f, bool has_spread);
};

// "penalties" of the objective: terms of D's loss about the gradient of its answer with respect to
// its input. Any of them goes with any loss; a type of objective sets the weights it is known for.
struct PenaltiesConfig {
  SlopePenaltyConfig gradient;  // between real and generated samples (Gulrajani et al. 2017)
  SlopePenaltyConfig dragan;    // about real samples (Kodali et al. 2017)
  double r1 = 0, r2 = 0;        // gamma / 2 E |grad D|^2 on real, on generated samples
  int64_t every = 1;

  bool any() const { return gradient.weight > 0 || dragan.weight > 0 || r1 > 0 || r2 > 0; }
  bool due(int64_t step) const { return any() && step % every == 0; }
  void describe(Fields& f);
};

}  // namespace gantry
