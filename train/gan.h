// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "models/network.h"
#include "train/config.h"
#include "train/objective.h"
#include "train/optimizer.h"

namespace gantry {

// Two networks with everything that training changes: weights, states, optimizer states, EMA, the
// step counter. Knows nothing of data or files.
class Gan {
 public:
  // `sample`: shape of one data sample (n = 1). Throws ConfigError where the networks do not fit
  // it or each other.
  Gan(RunConfig config, const Shape& sample, Backend& backend);

  // Draws the initial weights from config.seed.
  void initialize(Stream& stream);

  RunConfig config;  // its networks have moved into those below
  Backend& backend;
  Shape sample;
  Network generator, discriminator;
  ParamStore g, d;
  Optimizer g_optimizer, d_optimizer;
  MetricSlots metrics;
  Tensor step;       // i64, 1: steps done
  Tensor real_data;  // the real batches of one step, filled by the host before it

  // A named range of training state, in the order that checkpoints list it.
  struct StateTensor {
    std::string name;  // "g.conv1.weight", "d.optimizer.adam_m.conv1.weight", "step"
    TensorView view;
  };
  std::vector<StateTensor> state() const;

  int64_t real_samples_per_step() const;  // d_steps x batch
  Shape latent_shape(int64_t n) const;
  uint64_t seed() const { return static_cast<uint64_t>(config.seed); }
};

// Latents of n samples, n x size.
RandomDesc latent_draw(const LatentConfig& latent, int64_t n, RandomKey key);

// A tensor worth seeing (an input, a score), and when it can be seen: once the first `calls` calls
// have run and before the next one does. Named as in docs/trace-format.md: "d1.m1.latent".
struct Tap {
  std::string name;
  TensorRef ref;
  size_t calls = 0;
};

struct RecordedStep {
  Program program;
  std::vector<Tap> taps;
};

// Records one training step: d_steps updates of D and g_steps of G, in the configured order, from
// gan.real_data, then the metrics sum and the step counter. (Goodfellow et al. 2014, Alg. 1.)
RecordedStep record_training_step(Gan& gan, const Objective& objective);

// Records sampling: inference with G's raw or EMA weights from `latents` into `images`.
Program record_sampling(Gan& gan, bool use_ema, const TensorView& latents,
                        const TensorView& images);

}  // namespace gantry
