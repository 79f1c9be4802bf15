// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "train/objective.h"
#include "train/step_inputs.h"
#include "train/system.h"

namespace gantry {

// What D says of real samples that it is shown once more within an update, augmented. The pass has
// batch statistics and dropout masks of its own, and moves neither running statistics nor power
// iterations.
class SecondLook {
 public:
  // Records D's forward pass; `draw` tells its draws from those of other micro-batches.
  SecondLook(Recorder& recorder, const Player& d, const Shown& shown, uint32_t draw);
  SecondLook(const SecondLook&) = delete;
  SecondLook& operator=(const SecondLook&) = delete;

  const Critique& critique() const { return critique_; }
  // Adds to D's gradients what the objective has left for the critique.
  void backward();

 private:
  Recorder& recorder_;
  const Player& d_;
  NetworkPass pass_;
  TensorRefs dy_;
  GradientSum sum_;
  Critique critique_;
};

// Of real samples as D was shown them; null where the objective does not compare its answers.
std::unique_ptr<SecondLook> make_second_look(System& system, Recorder& recorder, StepInputs& inputs,
                                             const Shown& real, uint32_t draw);

}  // namespace gantry
