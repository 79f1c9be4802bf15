// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "models/network.h"

namespace gantry::testing {

// The "generator" section of a config from its JSON text.
NetworkConfig read_network(const std::string& json);

}  // namespace gantry::testing
