// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "models/network.h"

namespace gantry {

// The layer that decides in what range an output of a network lies: its last one, or what that
// passes on where it only moves, selects or averages values (reshape, crop, pool, ...).
struct LastLayer {
  std::string type, pointer;  // "sigmoid", "/discriminator/layers/4/type"
  bool at_end = true;         // false: layers follow that leave the range as it is
};

// Of the output of that number. Empty strings where there is no such output, or none such layer.
LastLayer last_layer(const NetworkConfig& network, const std::string& pointer, size_t output = 0);

// "the last layer of D is sigmoid", "the last layer of D that changes values is sigmoid"
std::string describe(const LastLayer& last, const std::string& player);

}  // namespace gantry
