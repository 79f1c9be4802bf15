// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/training_step.h"

namespace gantry {

// Learning to reconstruct: E turns a sample x into a code, G the code into y. With D values per
// sample, E and G minimise, as means over the batch, R = -log p(x | z) with y = G(z) for mean:
//   gaussian    R = |x - y|^2 / (2 variance) + D/2 log(2 pi variance)
//   bernoulli   R = sum of the cross-entropies of the pixels x with probabilities y
//   autoencoder R, z = E(x)
//   vae         R + beta KL, z = mu + exp(v / 2) eps, (mu, v) = E(x), eps standard normal, one draw
//               per sample; KL the divergence of N(mu, exp v) from N(0, 1)
// (Kingma, Welling 2014, eq. 10 with L = 1; Higgins et al. 2017 for beta.) The decoder is the
// generator, so that sampling is that of a GAN. Metrics: e.reconstruction (R), e.loss, and for vae
// e.kl and e.elbo = -R - KL.
class AutoencoderStep : public TrainingStep {
 public:
  // ConfigError where the codes do not fit the latents (train/network_shapes.h).
  explicit AutoencoderStep(System& system);

  RecordedStep record(size_t variant) override;
  int64_t real_batches(size_t) const override { return 1; }

 private:
  System& system_;
};

}  // namespace gantry
