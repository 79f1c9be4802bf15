// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// The rules between objective.packing, the objective, the networks and the batches.
void check_packing(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
