// SPDX-License-Identifier: Apache-2.0
#include "train/shards.h"

#include <bit>

#include "core/error.h"

namespace gantry {
void check_shards(const RunConfig& config, int64_t count, std::vector<BrokenRule>& rules) {
  const TrainConfig& train = config.train;
  const std::pair<const char*, int64_t> batches[] = {{"batch", train.batch},
                                                     {"fake_batch", train.fake_batch},
                                                     {"generator_batch", train.generator_batch}};
  const int64_t packing = config.objective.packing, unit = count * train.accumulate * packing;
  for (const auto& [key, samples] : batches) {  // 0: not set, another one's
    if (samples % unit == 0) continue;
    const std::string micro =
        train.accumulate > 1 ? concat(" of ", train.accumulate, " micro-batches each") : "";
    const std::string packs = packing > 1 ? concat(" in packs of ", packing) : "";
    rules.push_back({concat("/train/", key),
                     concat(samples, " samples do not divide into ", count, " equal shards", micro,
                            packs, "; make it a multiple of ", unit)});
  }
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
  std::vector<BrokenRule> rules;
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
