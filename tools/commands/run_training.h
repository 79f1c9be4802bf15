// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/log.h"
#include "train/run_dir.h"
#include "train/session.h"

namespace gantry {

// Digest of all of a resolved config that a resumed run may not change.
std::string binding_digest(const std::string& resolved);

struct RestoreOptions {
  std::string config;    // the file that the session's config was read from, for messages
  bool elastic = false;  // accept another number of ranks
};

// Puts the session where the newest checkpoint of the run is, and the run directory with it; where
// there is none yet, at step 0. Throws ConfigError where the checkpoint is of another config,
// CheckpointError where it cannot go on from there.
void restore_newest(Session& session, RunDir& run, const RestoreOptions& options, Log& log);

// Trains, from the state of rank 0 on all ranks: rank 0 in its run directory, the others without
// one. Returns the exit code.
int train_in_step(Session& session, std::optional<RunDir>& run, Log& log);

}  // namespace gantry
