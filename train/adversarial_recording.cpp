// SPDX-License-Identifier: Apache-2.0
// Records the step of design section 5.
#include "train/adversarial_recording.h"

#include "train/discriminator_recording.h"
#include "train/generator_recording.h"

namespace gantry {

RecordedStep record_adversarial_step(System& system, const Objective& objective, int64_t d_steps,
                                     bool penalised) {
  const TrainConfig& train = system.config.train;
  const int64_t batches = d_steps + (objective.compares_real() ? train.g_steps : 0);
  GameRecording game(system, objective, d_steps);
  DiscriminatorRecording discriminator(game, penalised);
  GeneratorRecording generator(game);
  record_start(system, game.recorder, batches);
  if (train.order == TrainConfig::Order::kGFirst) {
    generator.record();
    discriminator.record();
  } else {
    discriminator.record();
    generator.record();
  }
  record_end(system, game.recorder, batches);
  return {std::move(game.program), std::move(game.taps)};
}

}  // namespace gantry
