// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config.h"
#include "train/objective.h"

namespace gantry {

// Games about one score, r = D(x) and f = D(G(z)); sp = softplus, labels a (fake), b (real) and c
// (generator's) of the config, smoothed, noisy or flipped as it says. D and G minimise
//   bce            sp(-r) + sp(f)            sp(-f), or saturating: -sp(f), with labels 1, 0 and 1:
//                                            sp(r) - b r + sp(f) - a f;  sp(f) - c f
//   least_squares  (r - b)^2 + (f - a)^2     (f - c)^2
//   wasserstein    f - r                     -f
//   hinge          [1 - r]+ + [1 + f]+       -f
// times `loss_weight`; each the mean over samples and patches. Goodfellow et al. 2014 (eq. 1 and
// section 3), Mao et al. 2017 (eq. 2, weight 1/2), Arjovsky et al. 2017 (eq. 2, 3), Lim and Ye
// 2017. With top_k, G's mean is over the samples of highest f (Sinha et al. 2020). Metrics besides
// Objective's: with wasserstein d.wasserstein, the mean of r - f, in place of the accuracies, since
// only differences of a critic's answers mean anything; with top_k g.top_k, the share of samples.
class AdversarialObjective : public Objective {
 public:
  AdversarialObjective(const ObjectiveConfig& config, uint64_t seed)
      : config_(config), seed_(seed) {}

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  struct Answer;
  LossDesc::Kind discriminator_loss() const;
  void record(const ObjectiveCall&, const Critique&, const Answer&) const;
  TensorRef record_target(const ObjectiveCall&, const Answer&, int64_t n) const;
  TensorRef record_weights(const ObjectiveCall&, const TensorRef& own) const;
  void record_estimate(const ObjectiveCall&, const TensorRef& loss, double weight) const;

  ObjectiveConfig config_;
  uint64_t seed_;
};

}  // namespace gantry
