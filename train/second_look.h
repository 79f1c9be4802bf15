// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "train/objective.h"
#include "train/step_inputs.h"
#include "train/system.h"

namespace gantry {

// What D says of real samples in a pass of its own within an update: of those that it has just been
// shown, augmented once more, or of those whose class it is told. The pass has batch statistics and
// dropout masks of its own, and moves neither running statistics nor power iterations.
class SecondLook {
 public:
  // Records D's forward pass. `name`: begins the names of its calls and taps after the
  // micro-batch's; `draw` tells its draws from those of other passes.
  SecondLook(Recorder& recorder, const Player& d, const Shown& shown, const char* name,
             uint32_t draw);
  SecondLook(const SecondLook&) = delete;
  SecondLook& operator=(const SecondLook&) = delete;

  const Critique& critique() const { return critique_; }
  // Adds to D's gradients what the objective has left for the critique.
  void backward();

 private:
  Recorder& recorder_;
  const Player& d_;
  const char* name_;
  NetworkPass pass_;
  TensorRefs dy_;
  GradientSum sum_;
  Critique critique_;
};

// Of real samples as D was shown them, told apart by `draw` from those of other micro-batches; null
// where the objective does not compare D's answers.
std::unique_ptr<SecondLook> make_second_look(System& system, Recorder& recorder, StepInputs& inputs,
                                             const Shown& real, uint32_t draw);
// Of samples whose class D is told.
SecondLook look_at_labelled(System& system, Recorder& recorder, StepInputs& inputs,
                            const Shown& labelled, uint32_t draw);

}  // namespace gantry
