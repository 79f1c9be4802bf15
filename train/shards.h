// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "train/config_rules.h"

namespace gantry {

// How batches are dealt out to ranks. Sizes in a config are global: a batch is cut, in the order of
// the global sample index, into `count` equal shards, and this rank computes `mine` of them, from
// number `first` on. Losses are means over a shard times 1 / count, so that gradients of the global
// mean are plain sums over shards.
struct Shards {
  int64_t count = 1, first = 0, mine = 1;

  // Samples of this rank, of a batch of `total`.
  int64_t local(int64_t total) const { return total / count * mine; }
  // The global index of the first of them.
  int64_t offset(int64_t total) const { return total / count * first; }
};

// Deals for rank `rank` of `ranks`. Throws ConfigError where batches do not divide.
Shards deal(const RunConfig& config, int rank, int ranks);

// What keeps a config from being cut into so many shards.
void check_shards(const RunConfig& config, int64_t count, std::vector<BrokenRule>& rules);

}  // namespace gantry
