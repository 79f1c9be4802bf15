// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/game_recording.h"
#include "train/input_penalty.h"

namespace gantry {

// Writes down D's updates of one step: real and fake through D as one batch with statistics per
// group, or one after the other; penalties; the fakes that G's update takes over.
class DiscriminatorRecording {
 public:
  DiscriminatorRecording(GameRecording& game, bool penalised);

  void record();

 private:
  // Where the samples of D's two halves stand in their batches.
  struct Halves {
    BatchPart real, fake;
  };

  void update(int64_t k);
  void record_part(int64_t k, int64_t shard, int64_t micro);
  void alternating_updates(int64_t k);
  void judge(const Shown& real, const Shown& fake, uint32_t draw, const Halves&, bool accumulate);
  void judge_together(const Shown& real, const Shown& fake, uint32_t draw, const Halves&,
                      int64_t batch_groups, bool accumulate);
  void judge_apart(const Shown& real, const Shown& fake, uint32_t draw, const Halves&,
                   bool accumulate);
  // Gives the weights as D's pass normalised them.
  std::vector<SpectralPass> judge_real(const Shown&, uint32_t draw, double weight, bool accumulate);
  void judge_fake(const Shown&, uint32_t draw, double weight, bool accumulate,
                  const std::vector<SpectralPass>& normalized = {});
  void judge_labelled(int64_t k, const BatchPart& samples, uint32_t draw);
  void objective_real(const Critique&, uint32_t draw, double weight);
  void objective_fake(const Critique&, uint32_t draw, double weight);
  void penalise(const PenalisedBatch& batch, const TensorRef& label);
  double share(int64_t mine, int64_t others) const;
  void backward(NetworkPass& pass, const TensorRefs& dy, bool accumulate);
  void optimize();

  GameRecording& game_;
  const bool penalised_;
  const InputPenalties penalties_;
  Shown labelled_{};  // of all ranks' updates of D, where the objective reads such
  int updates_ = 0;
};

}  // namespace gantry
