// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tests/train/training_rig.h"

namespace gantry {

// An objective on networks of 8x8 samples that a step takes a millisecond of.
struct TinyObjective {
  std::string name;
  std::vector<std::string> overrides;  // of a config without networks
  // What each player's gradient is that of: metrics and their weights.
  struct Loss {
    std::string player;
    std::vector<std::pair<std::string, double>> metrics;
  };
  std::vector<Loss> losses;
};

// The objectives that reconstruct, compare features or compare the samples of a batch.
std::vector<TinyObjective> tiny_objectives();

// `rule`: the optimizer of every player, as JSON.
TrainingRig rig_of(Backend backend, const TinyObjective& objective, const std::string& rule,
                   const std::vector<std::string>& more = {});

}  // namespace gantry
