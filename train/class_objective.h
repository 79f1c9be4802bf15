// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/condition_config.h"
#include "train/objective.h"

namespace gantry {

class System;

// An objective on D's score, and beside it the cross-entropy of D's second output, logits
// C(x), with the sample's own class (ACGAN; Odena et al. 2017, eq. 2 and 3):
//   D adds  d_real CE(C(x), y) + d_fake CE(C(G(z, y')), y'),  G adds  g CE(C(G(z, y')), y').
// Metrics besides: d.class_loss_real, d.class_accuracy_real (and _fake), g.class_loss,
// g.class_accuracy.
class ClassObjective : public Objective {
 public:
  // Throws ConfigError where D has no such output.
  ClassObjective(std::unique_ptr<Objective> score, const ClassLossConfig& config,
                 const System& system);

  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void generator(const ObjectiveCall&, const Critique& fake) const override;

 private:
  void record(const ObjectiveCall&, const Critique&, const std::string& side,
              const std::string& metric, double weight) const;

  std::unique_ptr<Objective> score_;
  ClassLossConfig config_;
};

}  // namespace gantry
