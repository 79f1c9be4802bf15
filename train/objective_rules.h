// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// The rules between the objective, the networks that it needs and how they are updated.
void check_objective(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
