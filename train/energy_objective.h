// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config.h"
#include "train/objective.h"
#include "train/system.h"

namespace gantry {

// Games in which D is an autoencoder and its answer the energy of a sample, the error of the
// reconstruction D(x) (kernels/ops/critic.h). The gradient for G flows through D(G(z)) and through
// G(z) as what D's answer is compared with.

// EBGAN (Zhao, Mathieu, LeCun 2017, eq. 1, 2 and 4), E(x) = |D(x) - x|^2:
//   D minimises mean E(x) + mean [margin - E(G(z))]+
//   G minimises mean E(G(z)) + pt_weight PT, PT the pulling-away term of D's second output
// Metrics besides Objective's: d.energy_real, d.energy_fake, d.inside_margin (share of the fakes
// that D still learns from), g.pulling_away.
class EbganObjective : public Objective {
 public:
  explicit EbganObjective(const EbganConfig& config) : config_(config) {}

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  ReconstructionDesc energy_of(const ObjectiveCall&, const Critique&) const;
  void pull_away(const ObjectiveCall&, const Critique& fake) const;

  EbganConfig config_;
};

// BEGAN (Berthelot, Schumm, Metz 2017, section 3.3), L(x) = mean |D(x) - x|:
//   D minimises mean L(x) - k mean L(G(z)),  G minimises mean L(G(z)),
//   after each update of G: k <- clamp(k + lambda (gamma L(x) - L(G(z))), 0, 1)
// with L(x) from the last update of D and L(G(z)) from that of G. Kept: objective.k,
// objective.loss_real. Metrics besides Objective's: d.energy_real, d.energy_fake, d.k and
// convergence, the paper's measure M = L(x) + |gamma L(x) - L(G(z))|.
class BeganObjective : public Objective {
 public:
  BeganObjective(const BeganConfig& config, System& system);

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;
  void generator_done(const ObjectiveCall&) const override;
  TensorRefs means(Program& program) const override;  // loss_real, loss_generated

 private:
  BeganConfig config_;
  TensorView k_, loss_real_;  // kept in the system
  Tensor loss_generated_;
};

}  // namespace gantry
