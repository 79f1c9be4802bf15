// SPDX-License-Identifier: Apache-2.0
#include "train/penalty_rules.h"

#include "core/error.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

// D(x)_n must depend on x_n alone, and twice differentiably.
void check_critic_layers(const NetworkConfig& network, Rules& rules) {
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerConfig& config = network.layers[i];
    const std::string pointer = concat("/discriminator/layers/", i, "/type");
    if (config.layer->mixes_samples()) {
      rules.push_back({pointer, concat(config.type,
                                       " lets D's answer to a sample depend on its neighbours, and "
                                       "/objective/penalties are about the gradient of each answer "
                                       "by its own sample; use layer_norm or no norm")});
    }
    if (!config.layer->has_double_backward()) {
      rules.push_back({pointer, concat(config.type,
                                       " has no second derivative, which "
                                       "/objective/penalties need; use another layer")});
    }
  }
}

void check_update(const RunConfig& config, Rules& rules) {
  const ObjectiveConfig& objective = config.objective;
  const char* const key = "/objective/penalties";
  if (objective.real_fake == ObjectiveConfig::RealFake::kAlternating) {
    rules.push_back(
        {"/objective/real_fake",
         "\"alternating\" updates D on real and on generated samples by themselves, and "
         "/objective/penalties belong to an update on both; use \"separate\""});
  }
  if (objective.penalties.gradient.weight > 0 && config.train.fakes() != config.train.batch) {
    rules.push_back(
        {"/train/fake_batch",
         concat("the penalty \"gradient\" pairs each real sample with a generated one, "
                "but there are ",
                config.train.batch, " and ", config.train.fakes(), "; remove this key")});
  }
  if (config.discriminator.optimizer.weight_clip > 0) {
    rules.push_back(
        {"/optimizer/d/weight_clip", concat("clipped weights keep D's slope far below what ", key,
                                            " ask for; remove one of the two")});
  }
}

}  // namespace

void check_penalties(const RunConfig& config, Rules& rules) {
  const PenaltiesConfig& penalties = config.objective.penalties;
  if (!penalties.any()) {
    if (penalties.every > 1) {
      rules.push_back({"/objective/penalties/every", "there is no penalty; give one a weight"});
    }
    return;
  }
  check_critic_layers(config.discriminator.network, rules);
  check_update(config, rules);
}

}  // namespace gantry
