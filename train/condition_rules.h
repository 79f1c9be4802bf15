// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// What G and D are told besides noise and samples: labels and codes that nobody could use, or that
// only one of them knows.
void check_conditions(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
