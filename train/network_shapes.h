// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "models/network.h"
#include "train/objective_config.h"

namespace gantry {

// What an objective asks of the shapes of the networks' outputs (n = 1). ConfigError with the
// network's place, both shapes and the remedy.
// D: a score of one channel; as an autoencoder the shape of a sample.
void check_discriminator_outputs(const ObjectiveConfig& objective,
                                 const std::vector<NamedShape>& outputs, const Shape& sample);
// E: as many numbers as a latent has, or for "vae" twice as many: means, then log variances.
void check_encoder_outputs(const ObjectiveConfig& objective, const std::vector<NamedShape>& outputs,
                           int64_t latent);
// G: with a Bernoulli likelihood a second output, the logits of the first.
void check_generator_outputs(const ObjectiveConfig& objective,
                             const std::vector<NamedShape>& outputs);

}  // namespace gantry
