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

bool any_of(const std::string& type, std::initializer_list<std::string_view> types);

// Everything in a config that is well-formed key by key and still trains on something else than
// what was meant.
std::vector<BrokenRule> broken_rules(const RunConfig& config);

}  // namespace gantry
