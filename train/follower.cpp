// SPDX-License-Identifier: Apache-2.0
#include "train/follower.h"

#include "train/finite_check.h"

namespace gantry {

ExitCode follow(Session& session, const StopRequest& stop) {
  const TrainConfig& train = session.system().config.train;
  while (session.steps_done() < train.steps) {
    if (session.agree_to_stop(stop.received())) return ExitCode::kPreempted;
    session.step();
    if (!is_finite_check_due(session)) continue;
    require_finite(session, [] { return "rank 0 has the checkpoints"; });
  }
  return ExitCode::kDone;
}

}  // namespace gantry
