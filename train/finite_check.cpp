// SPDX-License-Identifier: Apache-2.0
#include "train/finite_check.h"

#include <cmath>
#include <optional>

#include "train/nonfinite.h"

namespace gantry {
bool is_finite_check_due(Session& session) {
  const TrainConfig& train = session.system().config.train;
  const int64_t done = session.steps_done();
  return !session.system().backend.device->is_apart() || done == train.steps ||
         done % train.log_every == 0;
}

void require_finite(Session& session, const std::function<std::string()>& newest_checkpoint) {
  if (!session.system().config.train.check_finite) return;
  const int64_t step = session.first_bad_step();
  if (step == 0) return;
  // The update of a network whose gradient is not finite was left out, so the same step shows the
  // same fault again, call by call.
  System& system = session.system();
  std::optional<std::string> first;
  session.return_to(step);
  session.step([&](const Replay& replay) {
    first = first_nonfinite(replay, *system.backend.device, session.stream());
  });
  std::string found = "a metric was not finite";
  for (const auto& [name, value] : session.latest_metrics()) {
    const bool bad_gradient = name.ends_with(".nonfinite") && value > 0;
    if (std::isfinite(value) && !bad_gradient) continue;
    found = bad_gradient
                ? concat(value, " gradient values of ", name.substr(0, 1), " are not finite")
                : concat(name, " = ", value);
    break;
  }
  throw NumericError(concat(
      "step ", step, ": ", found, "; first: ", first ? *first : "none when the step is repeated",
      ". Nothing was saved from this step on; ", newest_checkpoint(),
      ". Try a lower learning rate, optimizer.*.clip_norm, or look at the data of this "
      "batch"));
}

}  // namespace gantry
