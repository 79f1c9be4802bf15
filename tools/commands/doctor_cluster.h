// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "kernels/communicator.h"
#include "tools/commands/findings.h"

namespace gantry {

// What several ranks have to agree on, what each host gives them, and how fast they add up
// gradients. To be called on all ranks; each finds the same.
void examine_cluster(Findings& findings, Communicator& ranks, const std::string& launcher);

}  // namespace gantry
