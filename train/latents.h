// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"
#include "train/config.h"

namespace gantry {

// What the draws of latents are keyed by: (seed, purpose, id), and then as everything random by
// step, global sample index and element. In training the id is that of the pass in its step:
//   noise  kLatent, id      code i  kCode, 32 id + i      class  kLabel, id
// Samples of `gantry sample` and of the grids: all kSample; noise 0, code i 1 + i, class 64.
struct LatentKeys {
  static constexpr uint32_t kMostCodes = 32;
  uint64_t seed = 0;
  uint32_t id = 0;
  bool of_samples = false;

  RandomKey noise() const;
  RandomKey code(size_t i) const;
  RandomKey label() const;
};

// Latents of n samples, and what they say.
struct Latents {
  TensorRef z;       // n x width: noise, then the codes
  TensorRefs codes;  // per code: its class number, n x 1, or its numbers, n x size
};

Latents record_latents(Recorder& recorder, const LatentConfig& config, int64_t n,
                       const LatentKeys& keys);

// Class numbers drawn with equal probability, n x 1.
TensorRef record_labels(Recorder& recorder, int64_t classes, int64_t n, const LatentKeys& keys);

}  // namespace gantry
