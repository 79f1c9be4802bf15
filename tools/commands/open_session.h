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

// Opens the backend, then the data, then records and plans the step. Throws what these throw, a
// ConfigError with the config's file in front; touches no file but the data's.
OpenSession open_session(LoadedConfig loaded, Allocator allocator = Allocator::kArena);

// The same into `open`, whose backend has this rank's communicator and keeps it, whatever is
// thrown, as its communicator or its host_communicator.
void open_session(OpenSession& open, LoadedConfig loaded, Allocator allocator = Allocator::kArena);

// Joins the devices of all ranks, which have opened the same: EnvironmentError on all of them where
// that is not so, or cannot be done.
void connect(OpenSession& open);

// Says on the log what was opened: device, data, numbers of parameters.
void announce(const OpenSession& open, Log& log);

}  // namespace gantry
