// SPDX-License-Identifier: Apache-2.0
#include "train/objective_rules.h"

#include "core/error.h"
#include "train/autoencoder_rules.h"
#include "train/last_layer.h"
#include "train/penalty_rules.h"
#include "train/technique_rules.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;
using Loss = ObjectiveConfig::Loss;

// What a last layer of that type does to a loss that takes D's answer as it is; null: no harm.
const char* harm_of_last_layer(const std::string& type, Loss loss) {
  switch (loss) {
    case Loss::kBce:
      if (any_of(type, {"sigmoid", "softmax"})) {
        return "takes logits and applies the sigmoid itself";
      }
      if (any_of(type, {"tanh", "relu", "softplus", "silu", "elu"})) {
        return "takes logits, which this layer bounds";
      }
      return nullptr;
    case Loss::kLeastSquares:
      return any_of(type, {"sigmoid", "softmax", "tanh"})
                 ? "has no gradient where this layer saturates"
                 : nullptr;
    case Loss::kWasserstein:
    case Loss::kHinge:
      return any_of(type, {"sigmoid", "softmax", "tanh", "relu", "softplus", "silu", "elu"})
                 ? "takes a score of any size, which this layer bounds"
                 : nullptr;
  }
  return nullptr;
}

void check_score(const RunConfig& config, Rules& rules) {
  const LastLayer last = last_layer(config.discriminator.network, "/discriminator");
  const char* harm = harm_of_last_layer(last.type, config.objective.loss);
  if (harm == nullptr) return;
  rules.push_back(
      {last.pointer, concat(describe(last, "D"), ", but the loss \"", config.objective.loss_name(),
                            "\" ", harm, "; remove this layer")});
}

void check_generator_loss(const ObjectiveConfig& objective, Rules& rules) {
  if (objective.generator_loss != ObjectiveConfig::GeneratorLoss::kSaturating) return;
  const char* const key = "/objective/generator_loss";
  if (objective.loss == Loss::kLeastSquares) {
    rules.push_back({key,
                     "\"saturating\" with \"least_squares\" would drive D's answers to infinity; "
                     "use \"non_saturating\""});
  }
  if (!objective.has_labels()) {
    rules.push_back({key, concat("with the loss \"", objective.loss_name(),
                                 "\" G always raises D's mean answer; remove this key")});
  }
  if (objective.labels.generator) {
    rules.push_back({"/objective/labels/generator",
                     "has no effect on the saturating loss, which maximises D's loss on fakes; "
                     "remove it or use \"non_saturating\""});
  }
}

void check_labels(const ObjectiveConfig& objective, Rules& rules) {
  const LabelConfig& labels = objective.labels;
  if (!objective.has_labels() && labels != LabelConfig()) {
    rules.push_back({"/objective/labels", concat("the loss \"", objective.loss_name(),
                                                 "\" has no labels; remove this key")});
  }
  if (objective.loss != Loss::kBce) return;
  const std::pair<const char*, double> named[] = {
      {"real", labels.real}, {"fake", labels.fake}, {"generator", labels.generator_target()}};
  for (const auto& [key, value] : named) {
    if (value >= 0 && value <= 1) continue;
    rules.push_back({concat("/objective/labels/", key),
                     concat("the loss \"bce\" takes labels as probabilities, 0 to 1, found ", value,
                            "; use the loss \"least_squares\" for others")});
  }
}

bool has_spectral_norm(const NetworkConfig& network) {
  if (network.spectral_norm) return true;
  for (const LayerConfig& layer : network.layers) {
    if (layer.layer->spectral_norm()) return true;
  }
  return false;
}

// f - r has no minimum over all functions; the papers take it over Lipschitz ones.
void check_critic(const RunConfig& config, Rules& rules) {
  if (config.objective.loss != Loss::kWasserstein) return;
  const PenaltiesConfig& penalties = config.objective.penalties;
  const bool bounded = config.discriminator.optimizer.weight_clip > 0 ||
                       penalties.gradient.weight > 0 || penalties.dragan.weight > 0 ||
                       has_spectral_norm(config.discriminator.network);
  if (!bounded) {
    rules.push_back({"/objective/loss",
                     "\"wasserstein\" has no minimum unless something bounds the critic's slope: "
                     "set objective.penalties.gradient.weight=10, optimizer.d.weight_clip=0.01 or "
                     "discriminator.spectral_norm=true"});
  }
  using Combine = ObjectiveConfig::Combine;
  if (config.objective.combine == Combine::kMean) {
    rules.push_back({"/objective/combine",
                     "\"mean\" would halve the Wasserstein distance that D estimates; use "
                     "\"sum\""});
  }
}

}  // namespace

void check_objective(const RunConfig& config, Rules& rules) {
  check_reconstruction(config, rules);
  check_techniques(config, rules);
  if (!config.objective.has_score()) return;
  check_score(config, rules);
  check_generator_loss(config.objective, rules);
  check_labels(config.objective, rules);
  check_critic(config, rules);
  check_penalties(config, rules);
}

}  // namespace gantry
