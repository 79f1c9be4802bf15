// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gantry {

// The first host of a list as Slurm writes it: "a[1-3,7],b" is a1, a2, a3, a7, b; "r[01-02]n[5-6]"
// begins with r01n5. Throws std::invalid_argument saying what is wrong with it.
std::string first_node(const std::string& list);

}  // namespace gantry
