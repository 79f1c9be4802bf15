// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/log.h"
#include "train/session.h"

namespace CLI {
class App;
}

namespace gantry {

// --profile-steps A:B and --allocator: how a session shows itself to tools from outside.
struct ProfilingArguments {
  std::string steps, allocation = "arena";

  void declare(CLI::App& app);
  Allocator allocator() const;
  // Warns where the device has no profiler to show the steps to.
  void apply(Session& session, Log& log) const;
};

}  // namespace gantry
