// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "train/device_limits.h"
#include "train/session.h"

namespace gantry {

// What calls cost, per step.
struct Cost {
  std::string name;
  double calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
  double floor_s = 0;  // sum over calls of max(flops / peak, bytes / copy bandwidth)
};

struct StepProfile {
  int64_t steps = 0;
  double seconds = 0;        // per step, from its first call to the end of its last
  std::vector<Cost> calls;   // by name, in the order of the program
  std::vector<Cost> ops;     // "conv2d.forward"; longest first
  std::vector<Cost> layers;  // "d.conv1", "d.optimizer", "latent"; longest first
};

// Takes `steps` steps and times every call of them as the device sees it.
StepProfile profile_steps(Session& session, int64_t steps, const DeviceLimits& limits);

// The layer that a call is of, from its name: "d1.m1.g.conv2.forward" is of "g.conv2",
// "d1.optimizer.update" of "d.optimizer", "g1.m1.loss_fake" of "loss_fake".
std::string layer_of_call(const System& system, const std::string& call);

}  // namespace gantry
