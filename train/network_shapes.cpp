// SPDX-License-Identifier: Apache-2.0
#include "train/network_shapes.h"

#include "core/error.h"

namespace gantry {

void check_discriminator_outputs(const ObjectiveConfig& objective,
                                 const std::vector<NamedShape>& outputs, const Shape& sample) {
  const Shape answer = outputs[0].shape;
  if (objective.has_score() && answer.c != 1) {
    throw ConfigError(concat("/discriminator/layers: the score of D must have one channel, not ",
                             to_string(answer), " (NxCxHxW); change its last layer"));
  }
  if (objective.has_energy() && answer != sample) {
    throw ConfigError(concat("/discriminator/layers: with the objective \"", objective.type,
                             "\" D is an autoencoder; it must answer with the shape of a sample, ",
                             to_string(sample), " (NxCxHxW), not ", to_string(answer)));
  }
}

void check_encoder_outputs(const ObjectiveConfig& objective, const std::vector<NamedShape>& outputs,
                           int64_t latent) {
  const bool variational = objective.type == "vae";
  const Shape wanted{1, variational ? 2 * latent : latent, 1, 1};
  if (outputs[0].shape == wanted) return;
  throw ConfigError(concat(
      "/encoder/layers: the code must be ", to_string(wanted), " (NxCxHxW), not ",
      to_string(outputs[0].shape), ": ",
      variational ? "a mean and a log variance for each of the " : "one number for each of the ",
      latent, " latents (latent.size)"));
}

void check_generator_outputs(const ObjectiveConfig& objective,
                             const std::vector<NamedShape>& outputs) {
  const bool bernoulli = objective.likelihood.kind == LikelihoodConfig::Kind::kBernoulli;
  if (objective.has_discriminator() || !bernoulli) return;
  if (outputs.size() == 2 && outputs[1].shape == outputs[0].shape) return;
  throw ConfigError(
      "/generator/outputs: the likelihood \"bernoulli\" is computed from logits; name the last "
      "sigmoid layer and the layer before it, as in \"outputs\": [\"image\", \"logits\"]");
}

}  // namespace gantry
