// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/graph.h"
#include "models/network_impl.h"

namespace gantry {

// From name, config and inputs to nodes, outputs, parameters and states: names, graph, shapes,
// merged activations. Throws ConfigError.
void build_network(Network::Impl& impl, const std::string& where);

}  // namespace gantry
