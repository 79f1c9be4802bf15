// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/objective.h"
#include "train/training_step.h"

namespace gantry {

// The game of two players: d_steps updates of D and g_steps of G, in the configured order
// (Goodfellow et al. 2014, Alg. 1). Design section 5: real and fake go through D as one batch with
// statistics per group; G's step computes no weight gradients of D.
class AdversarialStep : public TrainingStep {
 public:
  // ConfigError where D's outputs are not what the objective is about (train/network_shapes.h).
  AdversarialStep(System& system, std::unique_ptr<Objective> objective);

  size_t variants() const override { return kinds_.size(); }
  size_t variant_of(int64_t step) const override;
  RecordedStep record(size_t variant) override;
  // One per update of D, and one per update of G where the objective compares with real samples.
  int64_t real_batches(size_t variant) const override;
  int64_t batches_before(int64_t step) const override;

 private:
  // What tells steps apart.
  struct Kind {
    int64_t d_steps = 0;
    bool penalised = false;  // D's updates have the penalties
    bool operator==(const Kind&) const = default;
  };
  Kind kind_of(int64_t step) const;
  int64_t compared_batches() const;  // real batches that a step's updates of G read

  System& system_;
  std::unique_ptr<Objective> objective_;
  std::vector<Kind> kinds_;
};

}  // namespace gantry
