// SPDX-License-Identifier: Apache-2.0
#include "train/finite_check.h"

#include <cmath>
#include <map>
#include <optional>

#include "train/nonfinite.h"

namespace gantry {
namespace {

// Why a step with this metric is bad; empty where it is not.
std::string reason_of(const std::map<std::string, double>& metrics, const std::string& name,
                      double value) {
  if (std::isfinite(value)) {
    const bool bad_gradient = name.ends_with(".nonfinite") && value > 0;
    if (!bad_gradient) return "";
    return concat(value, " gradient values of ", name.substr(0, 1), " are not finite");
  }
  const std::string player = name.substr(0, name.find('.'));
  const auto scale = metrics.find(player + ".loss_scale");
  if (!name.ends_with(".grad_norm") || scale == metrics.end()) return concat(name, " = ", value);
  return concat(Optimizer::kSkipsInARow, " updates of ", player,
                " in a row were left out, because gradients were not finite in fp16 even with the "
                "loss times ",
                scale->second, " (try precision=bf16)");
}

}  // namespace

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
  const std::map<std::string, double> metrics = session.latest_metrics();
  for (const auto& [name, value] : metrics) {
    const std::string reason = reason_of(metrics, name, value);
    if (reason.empty()) continue;
    found = reason;
    break;
  }
  throw NumericError(concat(
      "step ", step, ": ", found, "; first: ", first ? *first : "none when the step is repeated",
      ". Nothing was saved from this step on; ", newest_checkpoint(),
      ". Try a lower learning rate, optimizer.*.clip_norm, or look at the data of this "
      "batch"));
}

}  // namespace gantry
