// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/adversarial_objective.h"

namespace gantry {

// Feature matching (Salimans et al. 2016, section 3.1): D plays the usual game; G minimises, in the
// place of a loss of D's score, the distance of the mean features of real and of generated samples,
//   |mean f(x) - mean f(G(z))|^2   (squared), or the mean of its absolute values,
// f being D's second output. The real side is held constant.
class FeatureMatching : public AdversarialObjective {
 public:
  FeatureMatching(const ObjectiveConfig& config, uint64_t seed)
      : AdversarialObjective(config, seed), config_(config.feature_matching) {}

  bool compares_real() const override { return true; }
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  void match_means(const ObjectiveCall&, const Critique& fake) const;
  FeatureMatchDesc::Kind kind() const;

  FeatureMatchingConfig config_;
};

}  // namespace gantry
