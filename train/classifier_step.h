// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/step_inputs.h"

namespace gantry {

// Learning to name classes: one network C, x -> logits, minimises the mean cross-entropy with the
// labels of the data. Metrics: c.loss, c.accuracy.
class ClassifierStep : public TrainingStep {
 public:
  // Throws ConfigError where the data have no labels or C's output is not a number for each class.
  explicit ClassifierStep(System& system);

  RecordedStep record(size_t variant) override;
  int64_t real_batches(size_t) const override { return 1; }

 private:
  void learn(Recorder& recorder, StepInputs& inputs, int64_t shard, int64_t micro);

  System& system_;
};

}  // namespace gantry
