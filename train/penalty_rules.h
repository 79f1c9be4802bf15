// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// The rules between the penalties, the critic that they are about and the rest of its update.
void check_penalties(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
