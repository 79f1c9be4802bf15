// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/replay.h"
#include "train/system.h"

namespace gantry {

// Draws latents (and takes classes, where G does) and turns them into images with G in inference
// mode (running statistics), a fixed number at a time.
class Sampler {
 public:
  // `ema`: the averaged weights instead of the raw ones.
  Sampler(System& system, Stream& stream, int64_t batch, bool ema);

  int64_t batch() const { return batch_; }
  // Latents of samples first, first + 1, ... of the sequence that `seed` names: the same sample
  // for the same (seed, number), whatever the batch. n x size.
  std::vector<float> draw_latents(uint64_t seed, uint32_t first, int64_t count);
  // NHWC images for `latents` (any multiple of latent_shape(1) values). `labels`: the class of each
  // where G takes one, else empty.
  std::vector<float> images(const std::vector<float>& latents, const std::vector<float>& labels);

 private:
  System& system_;
  Stream& stream_;
  int64_t batch_;
  Tensor latents_, labels_, images_;
  std::unique_ptr<Replay> replay_;
};

}  // namespace gantry
