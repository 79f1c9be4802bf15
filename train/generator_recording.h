// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/game_recording.h"

namespace gantry {

// Writes down G's updates of one step: through D without gradients of its weights.
class GeneratorRecording {
 public:
  explicit GeneratorRecording(GameRecording& game) : game_(game) {}

  void record();

 private:
  void update(int64_t k);
  void record_part(int64_t k, int64_t shard, int64_t micro);
  Fakes fakes(int64_t k, int64_t shard, int64_t micro, const BatchPart& samples);
  TensorRef asked_labels(const BatchPart& samples);
  TensorRefs real_outputs(int64_t k, const BatchPart& samples, uint32_t draw,
                          const std::vector<SpectralPass>& normalized);

  GameRecording& game_;
};

}  // namespace gantry
