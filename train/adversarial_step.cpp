// SPDX-License-Identifier: Apache-2.0
#include "train/adversarial_step.h"

#include <algorithm>

#include "train/adversarial_recording.h"
#include "train/network_shapes.h"

namespace gantry {

AdversarialStep::AdversarialStep(System& system, std::unique_ptr<Objective> objective)
    : system_(system), objective_(std::move(objective)) {
  check_discriminator_outputs(system.config.objective, system.player("d").network.outputs(),
                              system.sample.shape);
  const TrainConfig& train = system_.config.train;
  const PenaltiesConfig& penalties = system_.config.objective.penalties;
  const bool always = penalties.any() && penalties.every == 1;
  kinds_.push_back({train.d_steps, always});
  const bool longer = train.d_warmup.d_steps > 0 && train.d_warmup.d_steps != train.d_steps;
  if (longer) kinds_.push_back({train.d_warmup.d_steps, always});
  if (!penalties.any() || always) return;
  kinds_.push_back({train.d_steps, true});
  if (longer) kinds_.push_back({train.d_warmup.d_steps, true});
}

AdversarialStep::Kind AdversarialStep::kind_of(int64_t step) const {
  const TrainConfig& train = system_.config.train;
  return {train.d_warmup.includes(step) ? train.d_warmup.d_steps : train.d_steps,
          system_.config.objective.penalties.due(step)};
}

size_t AdversarialStep::variant_of(int64_t step) const {
  const auto found = std::find(kinds_.begin(), kinds_.end(), kind_of(step));
  GANTRY_CHECK(found != kinds_.end(), "step ", step, " is of no recorded kind");
  return static_cast<size_t>(found - kinds_.begin());
}

int64_t AdversarialStep::real_batches(size_t variant) const {
  return kinds_[variant].d_steps + compared_batches();
}

int64_t AdversarialStep::batches_before(int64_t step) const {
  return system_.config.train.d_updates_before(step) + step * compared_batches();
}

int64_t AdversarialStep::compared_batches() const {
  return objective_->compares_real() ? system_.config.train.g_steps : 0;
}

RecordedStep AdversarialStep::record(size_t variant) {
  return record_adversarial_step(system_, *objective_, kinds_[variant].d_steps,
                                 kinds_[variant].penalised);
}

}  // namespace gantry
