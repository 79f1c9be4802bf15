// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "train/objective.h"
#include "train/step_inputs.h"
#include "train/system.h"

namespace gantry {

// Some samples of a batch of this step: a micro-batch of one of this rank's shards.
struct BatchPart {
  int64_t first, count;  // among those of this rank
};

// One step of the game while it is written down: what the updates of both players share.
struct GameRecording {
  GameRecording(System& system, const Objective& objective, int64_t d_steps);
  GameRecording(const GameRecording&) = delete;
  GameRecording& operator=(const GameRecording&) = delete;

  BatchPart part(int64_t batch, int64_t shard, int64_t micro) const;
  // Draws from here on are those of a part of a batch of so many samples over all ranks: they
  // depend on the global sample index alone, however the batch is cut.
  void number_samples(int64_t batch, const BatchPart& samples);
  // The same for draws about D's answers, of which objective.packing samples have one.
  void number_answers(int64_t batch, const BatchPart& samples);
  SampleGroup answers(int64_t batch, const BatchPart& samples) const;
  // Samples of the k-th real batch of this step.
  Shown real_batch(int64_t k, const BatchPart& samples);

  // D's pass. sample_groups: ForwardOptions. normalized: of the pass that makes this one's power
  // iterations; empty: it makes its own.
  NetworkPass criticise(const Shown& shown, uint32_t draw, int64_t batch_groups,
                        const std::vector<SampleGroup>& sample_groups = {},
                        const std::vector<SpectralPass>& normalized = {});
  // `share`: weight of a loss that is a mean over this part of the batch, had the batch one part.
  ObjectiveCall objective_call(uint32_t draw, double share);
  // D's outputs as they stood after `calls` calls, before the objective: the score, and those that
  // it has read. What nobody reads has no memory of its own by then.
  void tap_outputs(const char* name, const Critique& critique, size_t calls);
  // Records a player's gradients over all shards of the batch, part by part.
  void gradients(Player& player,
                 const std::function<void(int64_t shard, int64_t micro)>& record_part);

  System& system;
  const Objective& objective;
  const int64_t d_steps;  // updates of D
  Player &g, &d;
  Program program;
  Recorder recorder;
  std::vector<Tap> taps;
  StepInputs inputs;
  std::vector<Fakes> reusable;  // fakes of the last update of D, by shard and micro-batch
};

}  // namespace gantry
