// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/config.h"

namespace gantry {

// The shipped configs, for steps that are cheap enough to take on 1, 2 and 4 ranks.
enum class Layers {
  kShipped,
  // Without what turns a rounding into a difference of any size: silu for relu and leaky_relu.
  kSmooth,
};

// An eighth as wide as shipped, on 8 drawn samples (or packs) a step, with at most two updates of D
// in it.
RunConfig load_shipped(const std::string& name, Layers layers,
                       const std::vector<std::string>& overrides = {});

std::vector<std::string> shipped_configs();  // their names

}  // namespace gantry
