// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// The rules between the techniques of train/technique_config.h, the objective and the data.
void check_techniques(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
