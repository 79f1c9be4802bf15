// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/network.h"

namespace gantry {

struct ParamInfo {
  std::string name;  // "conv1.weight"
  Shape shape;
  Fans fans;
  Initializer init;
  int64_t u_state = -1;  // index of the state that holds u; -1: no spectral normalisation
};

struct StateInfo {
  std::string name;
  Shape shape;
  float initial = 0;
};

struct Network::Impl {
  std::string name;
  NetworkConfig config;
  std::vector<NamedShape> inputs;
  std::vector<Node> nodes;
  std::vector<int> outputs;  // nodes
  std::vector<ParamInfo> params;
  std::vector<StateInfo> states;

  // The id that keys the draws of something named `part` of this network.
  uint32_t random_id(const std::string& part) const;
};

}  // namespace gantry
