// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/objective.h"
#include "train/training_step.h"

namespace gantry {

// Writes down one step of the game: `d_steps` updates of D, penalised or not, and those of G.
RecordedStep record_adversarial_step(System& system, const Objective& objective, int64_t d_steps,
                                     bool penalised);

}  // namespace gantry
