// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config.h"
#include "train/objective.h"

namespace gantry {

// The original game (Goodfellow et al. 2014) on logits r = D(x), f = D(G(z)), sp = softplus:
//   D minimises sp(-r) + sp(f)
//   G minimises sp(-f) (non-saturating) or -sp(f) (saturating, the minimax game)
// with the targets of the config in place of 1 and 0: smoothed, noisy, flipped, swapped, or as a
// squared distance instead of the cross-entropy. Each loss is the mean over samples and patches.
class AdversarialObjective : public Objective {
 public:
  AdversarialObjective(const ObjectiveConfig& config, uint64_t seed)
      : config_(config), seed_(seed) {}

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  struct Answer;
  void record(const ObjectiveCall&, const Critique&, const Answer&) const;

  ObjectiveConfig config_;
  uint64_t seed_;
};

}  // namespace gantry
