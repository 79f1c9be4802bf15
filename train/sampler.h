// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/png.h"
#include "core/replay.h"
#include "train/gan.h"

namespace gantry {

// Draws latents and turns them into images with G in inference mode (running statistics), a fixed
// number at a time.
class Sampler {
 public:
  // `ema`: the averaged weights instead of the raw ones.
  Sampler(Gan& gan, Stream& stream, int64_t batch, bool ema);

  int64_t batch() const { return batch_; }
  // Latents of samples first, first + 1, ... of the sequence that `seed` names: the same sample
  // for the same (seed, number), whatever the batch. n x size.
  std::vector<float> draw_latents(uint64_t seed, uint32_t first, int64_t count);
  // NHWC images for `latents` (any multiple of latent.size values).
  std::vector<float> images(const std::vector<float>& latents);

 private:
  Gan& gan_;
  Stream& stream_;
  int64_t batch_;
  Tensor latents_, images_;
  std::unique_ptr<Replay> replay_;
};

// Samples as 8-bit tiles, by the range of the data.
std::vector<Image> to_tiles(const std::vector<float>& images, const Shape& sample,
                            const ValueRange& range);

// Samples as one picture: a grid of tiles, small ones enlarged; points of the plane as a scatter
// plot of [-2, 2] x [-2, 2].
Image picture_of(const std::vector<float>& images, const Shape& sample, const ValueRange& range,
                 int64_t columns);

}  // namespace gantry
