// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/feature_matching.h"

namespace gantry {

class System;

// Semi-supervised learning (Salimans et al. 2016, section 5): D's first output are logits l of the
// K classes, and that of a further class, "generated", is 0. So x is real with the log odds s(x) =
// log sum exp l(x). With a few samples x', y' of known class
//   D minimises  supervised mean -log softmax(l(x'))[y']
//                + unsupervised (mean sp(-s(x)) + mean sp(s(G(z)))),
// and G matches features. Metrics: d.loss_real and d.loss_fake (without their weight),
// d.accuracy_real, d.accuracy_fake; d.class_loss and d.class_accuracy of the labelled samples.
class SemiSupervised : public FeatureMatching {
 public:
  // Throws ConfigError where the data have no labels or D's first output is not a number for each
  // class.
  explicit SemiSupervised(const System& system);

  bool reads_labelled() const override { return true; }
  void discriminator_real(const ObjectiveCall&, const Critique& real) const override;
  void discriminator_fake(const ObjectiveCall&, const Critique& fake) const override;
  void discriminator_labelled(const ObjectiveCall&, const Critique&) const override;

 private:
  void tell(const ObjectiveCall&, const Critique&, const std::string& side, float target) const;

  SemiSupervisedConfig config_;
};

}  // namespace gantry
