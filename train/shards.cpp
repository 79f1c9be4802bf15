// SPDX-License-Identifier: Apache-2.0
#include "train/shards.h"

#include <bit>

#include "core/error.h"

namespace gantry {
namespace {

using Rules = std::vector<BrokenRule>;

void check_division(const RunConfig& config, int64_t count, Rules& rules) {
  const TrainConfig& train = config.train;
  const std::pair<const char*, int64_t> batches[] = {{"batch", train.batch},
                                                     {"fake_batch", train.fake_batch},
                                                     {"generator_batch", train.generator_batch}};
  for (const auto& [key, samples] : batches) {  // 0: not set, another one's
    if (samples % (count * train.accumulate) == 0) continue;
    const std::string micro =
        train.accumulate > 1 ? concat(" of ", train.accumulate, " micro-batches each") : "";
    rules.push_back({concat("/train/", key),
                     concat(samples, " samples do not divide into ", count, " equal shards", micro,
                            "; make it a multiple of ", count * train.accumulate)});
  }
}

// Layers that look at all samples of a batch, beside batch_norm, whose statistics are those of a
// shard.
void check_layers(const RunConfig& config, Rules& rules) {
  for (const PlayerConfig* player : config.players()) {
    for (size_t i = 0; i < player->network.layers.size(); ++i) {
      const std::string& type = player->network.layers[i].type;
      if (!any_of(type, {"minibatch_discrimination", "virtual_batch_norm"})) continue;
      rules.push_back({concat("/", player->section, "/layers/", i, "/type"),
                       concat(type,
                              " compares the samples of a whole batch, which no rank has; "
                              "train on one rank, or use another layer")});
    }
  }
}

void check_batch_terms(const RunConfig& config, Rules& rules) {
  const ObjectiveConfig& objective = config.objective;
  const char* const whole = " is about all samples of a batch together, which no rank has; ";
  if (objective.matches_features()) {
    rules.push_back({"/objective/type", concat("feature matching", whole, "train on one rank")});
  }
  if (objective.type == "ebgan" && objective.ebgan.pt_weight > 0) {
    rules.push_back({"/objective/pt_weight",
                     concat("the pulling-away term", whole, "train on one rank, or set it to 0")});
  }
  if (objective.penalties.dragan.weight > 0) {
    rules.push_back({"/objective/penalties/dragan",
                     concat("the deviation of its points", whole, "train on one rank")});
  }
  if (objective.lecam.weight > 0) {
    rules.push_back({"/objective/lecam", concat("a running mean of answers", whole,
                                                "train on one rank, or set its weight to 0")});
  }
  if (objective.top_k.nu < 1) {
    rules.push_back({"/objective/top_k",
                     concat("the order of answers", whole, "train on one rank, or set nu to 1")});
  }
  if (objective.augmentation.any() && objective.augmentation.adaptive()) {
    rules.push_back({"/objective/augmentation/type",
                     concat("the mean sign of answers that \"ada\" follows", whole,
                            "train on one rank, or use \"diffaugment\"")});
  }
  const bool mixed = objective.real_fake == ObjectiveConfig::RealFake::kMixed;
  if (mixed && config.train.fakes() != config.train.batch) {
    rules.push_back({"/objective/real_fake",
                     "\"mixed\" batches of unequal halves number their samples across the halves, "
                     "which shards cannot; use \"separate\", or equal batch and fake_batch"});
  }
}

}  // namespace

void check_shards(const RunConfig& config, int64_t count, Rules& rules) {
  check_division(config, count, rules);
  check_layers(config, rules);
  check_batch_terms(config, rules);
}

Shards deal(const RunConfig& config, int rank, int ranks) {
  const int64_t virtual_ranks = config.distributed.virtual_ranks;
  const int64_t count = virtual_ranks > 0 ? virtual_ranks : ranks;
  if (count % ranks != 0 ||
      (virtual_ranks > 0 && !std::has_single_bit(static_cast<uint64_t>(ranks)))) {
    throw ConfigError(concat("/distributed/virtual_ranks: ", ranks, " ranks cannot share ",
                             virtual_ranks, " shards along one tree; start 1, 2, 4, ... up to ",
                             virtual_ranks, " ranks"));
  }
  const int64_t mine = count / ranks;
  if (count == 1) return {};
  Rules rules;
  check_shards(config, count, rules);
  std::string message;
  for (const BrokenRule& rule : rules) {
    message += concat(message.empty() ? "" : "\n", rule.pointer, ": ", rule.reason);
  }
  if (!message.empty()) {
    throw ConfigError(
        concat(message, "\n(", ranks, ranks == 1 ? " rank" : " ranks", ", ", count, " shards)"));
  }
  return {count, rank * mine, mine};
}

}  // namespace gantry
