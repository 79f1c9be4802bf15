// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/session.h"
#include "train/stop_request.h"

namespace gantry {

// What a rank without a run directory does while rank 0 trains (train/trainer.h): the same steps
// and the same checks. Returns and throws what Trainer::train does.
ExitCode follow(Session& session, const StopRequest& stop);

}  // namespace gantry
