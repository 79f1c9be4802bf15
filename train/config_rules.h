// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "train/config.h"

namespace gantry {

// A rule between keys that a config breaks: why it is nonsense, and the remedy.
struct BrokenRule {
  std::string pointer;  // the key to change
  std::string reason;
};

struct LastLayer {
  std::string type, pointer;  // "sigmoid", "/discriminator/layers/4/type"
};

// The layer that makes a network's first output, if the list alone tells; else empty strings.
LastLayer last_layer(const NetworkConfig& network, const std::string& pointer);

bool any_of(const std::string& type, std::initializer_list<std::string_view> types);

// Everything in a config that is well-formed key by key and still trains on something else than
// what was meant.
std::vector<BrokenRule> broken_rules(const RunConfig& config);

}  // namespace gantry
