// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "models/network.h"

namespace gantry {

// Who reads whom among the layers of a config, all names resolved.
struct Graph {
  std::vector<std::vector<int>> inputs;  // per layer: index of a layer; -1 - i is network input i
  std::vector<int> order;                // each layer after those it reads; else as configured
  std::vector<int> outputs;              // layers
};

// What each layer is called: its name, or type + number among the layers of its type.
std::vector<std::string> layer_names(const NetworkConfig& config);

// Gives unnamed layers their names. Throws ConfigError on an empty list and on duplicate names.
void name_layers(NetworkConfig& config, const std::vector<NamedShape>& inputs,
                 const std::string& where);

// Throws ConfigError on unknown names, wrong numbers of inputs, cycles, and on layers and inputs
// that no output depends on.
Graph make_graph(const NetworkConfig& config, const std::vector<NamedShape>& inputs,
                 const std::string& where);

// "/generator/layers/3 (conv "conv2")"
std::string layer_place(const NetworkConfig& config, const std::string& where, size_t layer);

}  // namespace gantry
