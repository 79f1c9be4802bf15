// SPDX-License-Identifier: Apache-2.0
#include "train/autoencoder_rules.h"

#include "core/error.h"
#include "train/last_layer.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

void check_features(const RunConfig& config, Rules& rules) {
  const ObjectiveConfig& objective = config.objective;
  const bool pulls = objective.type == "ebgan" && objective.ebgan.pt_weight > 0;
  const bool matches = objective.matches_features();
  if ((!pulls && !matches) || config.discriminator.network.outputs.size() >= 2) return;
  const char* const wanted =
      pulls ? "the pulling-away term reads D's code as its second output; name D's last layer and "
              "that of the code, as in \"outputs\": [\"reconstruction\", \"code\"], or set "
              "objective.ebgan.pt_weight=0"
            : "the features that G matches are D's second output; name D's last layer and that of "
              "the features, as in \"outputs\": [\"last\", \"features\"]";
  rules.push_back({"/discriminator/outputs", wanted});
}

void check_matching(const RunConfig& config, Rules& rules) {
  if (config.objective.type != "feature_matching") return;
  if (config.objective.generator_loss == ObjectiveConfig::GeneratorLoss::kSaturating) {
    rules.push_back({"/objective/generator_loss",
                     "has no effect: G matches features and minimises no loss of D's score; remove "
                     "this key"});
  }
}

void check_balance(const RunConfig& config, Rules& rules) {
  if (config.objective.type != "began" || config.train.accumulate == 1) return;
  rules.push_back({"/train/accumulate",
                   "must be 1 with \"began\": k moves once per update, by the loss of the whole "
                   "batch"});
}

void check_likelihood(const RunConfig& config, Rules& rules) {
  if (config.objective.likelihood.kind != LikelihoodConfig::Kind::kBernoulli) return;
  const std::vector<double>& range = config.data.range;
  if (range[0] < 0 || range[1] > 1) {
    rules.push_back({"/data/range", concat("the likelihood \"bernoulli\" takes pixels as "
                                           "probabilities, but the data lie in [",
                                           range[0], ", ", range[1], "]; set data.range=[0,1]")});
  }
  const LastLayer last = last_layer(config.generator.network, "/generator");
  if (last.type != "sigmoid") {
    rules.push_back({last.pointer.empty() ? "/generator/layers" : last.pointer,
                     "the likelihood \"bernoulli\" needs probabilities as G's first "
                     "output: end it with a sigmoid layer"});
  }
  const LastLayer logits = last_layer(config.generator.network, "/generator", 1);
  if (any_of(logits.type, {"sigmoid", "tanh", "relu", "softplus"})) {
    rules.push_back({logits.pointer, concat("the likelihood \"bernoulli\" takes logits as G's "
                                            "second output, which ",
                                            logits.type, " bounds; name the layer before it")});
  }
}

// Keys of the schedule of two players, which one loss for both has no use for.
void check_schedule_of_players(const RunConfig& config, Rules& rules) {
  const TrainConfig& train = config.train;
  const std::pair<const char*, bool> given[] = {
      {"d_steps", train.d_steps != 1},
      {"g_steps", train.g_steps != 1},
      {"fake_batch", train.fake_batch != 0},
      {"generator_batch", train.generator_batch != 0},
      {"reuse_fakes", train.reuse_fakes},
      {"d_warmup", train.d_warmup.d_steps > 0},
      {"order", train.order != TrainConfig::Order::kDFirst}};
  for (const auto& [key, wrong] : given) {
    if (!wrong) continue;
    rules.push_back({concat("/train/", key), concat("has no effect in the objective \"",
                                                    config.objective.type, "\"; remove this key")});
  }
}

void check_neighbours(const RunConfig& config, Rules& rules) {
  if (config.objective.real_fake != ObjectiveConfig::RealFake::kMixed) return;
  for (const LayerConfig& layer : config.discriminator.network.layers) {
    if (layer.type != "minibatch_discrimination") continue;
    rules.push_back({"/objective/real_fake",
                     "\"mixed\" would compare generated samples with real ones in "
                     "minibatch_discrimination, which tells how much the samples of one side are "
                     "alike; use \"separate\""});
    return;
  }
}

bool has_layer(const NetworkConfig& network, const char* type) {
  for (const LayerConfig& layer : network.layers) {
    if (layer.type == type) return true;
  }
  return false;
}

void check_reference(const RunConfig& config, Rules& rules) {
  for (const PlayerConfig* player : config.players()) {
    if (!has_layer(player->network, "virtual_batch_norm")) continue;
    if (player == &config.classifier) {
      rules.push_back({concat("/", player->section, "/layers"),
                       "virtual_batch_norm is a normalisation of games; use batch_norm"});
      continue;
    }
    for (const char* type : {"batch_norm", "minibatch_discrimination"}) {
      if (!has_layer(player->network, type)) continue;
      rules.push_back({concat("/", player->section, "/layers"),
                       concat(type,
                              " beside virtual_batch_norm would take the reference batch for "
                              "samples; use one of them")});
    }
  }
}

}  // namespace

void check_reconstruction(const RunConfig& config, Rules& rules) {
  check_features(config, rules);
  check_matching(config, rules);
  check_balance(config, rules);
  check_neighbours(config, rules);
  check_reference(config, rules);
  if (config.objective.has_discriminator()) return;
  check_likelihood(config, rules);
  check_schedule_of_players(config, rules);
}

}  // namespace gantry
