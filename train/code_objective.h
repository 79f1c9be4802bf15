// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config.h"
#include "train/objective.h"

namespace gantry {

class System;

// An objective on D's score, and beside it a lower bound of the information that G's samples keep
// of the codes c, read by D's further outputs Q (InfoGAN; Chen et al. 2016, eq. 5 and 6). D and G
// both add, per code,
//   categorical  lambda CE(Q(G(z, c)), c)                  Q: n x classes logits
//   other        lambda mean over samples of sum (c - Q)^2 / 2 deviation^2    Q: n x size means
// the latter being the negative log-likelihood of a normal distribution less its constant.
// Metrics besides, per code NAME: d.code_loss_NAME, g.code_loss_NAME without lambda, and for
// categorical codes d.code_accuracy_NAME, g.code_accuracy_NAME.
class CodeObjective : public Objective {
 public:
  // Throws ConfigError where an output of D does not fit its code.
  CodeObjective(std::unique_ptr<Objective> score, const CodeLossConfig& config,
                const System& system);

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  void record(const ObjectiveCall&, const Critique&, const std::string& player) const;
  void record_code(const ObjectiveCall&, const Critique&, const std::string& player,
                   size_t code) const;

  std::unique_ptr<Objective> score_;
  CodeLossConfig config_;
  LatentConfig latent_;
};

}  // namespace gantry
