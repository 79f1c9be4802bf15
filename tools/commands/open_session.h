// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/log.h"
#include "train/config_file.h"
#include "train/session.h"

namespace gantry {

// A config with its device, data and recorded step.
struct OpenSession {
  Backend backend;
  std::unique_ptr<Session> session;  // gone before the backend
};

// Opens the backend, then the data, then records and plans the step; says on the log what was
// opened. Throws what these throw; touches no file but the data's.
OpenSession open_session(LoadedConfig loaded, Log& log);

}  // namespace gantry
