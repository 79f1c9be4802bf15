// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "models/network.h"

namespace gantry::testing {

struct NetworkCase {
  std::string name, json;
  std::vector<NamedShape> inputs;
};

inline std::ostream& operator<<(std::ostream& out, const NetworkCase& c) { return out << c.name; }

// Every layer type in every role that it can have, graphs with several inputs and outputs, and
// random graphs.
std::vector<NetworkCase> network_cases();

}  // namespace gantry::testing
