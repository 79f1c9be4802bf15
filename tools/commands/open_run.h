// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/log.h"
#include "train/system.h"

namespace gantry {

// The networks of a run as a checkpoint has them, without its data.
struct OpenRun {
  Backend backend;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<System> system;
  uint64_t step = 0;
};

// step < 0: the latest checkpoint. Throws ConfigError, CheckpointError, EnvironmentError.
OpenRun open_run(const std::string& folder, int64_t step, Log& log);

// ConfigError where the run has no generator to draw samples from.
void require_generator(const std::string& folder, const System& system);

// --weights raw, ema or auto: whether to take G's moving average. ConfigError where the run has
// none.
bool wants_ema(const std::string& weights, const System& system);

}  // namespace gantry
