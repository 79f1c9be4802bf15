// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "train/step_profile.h"

namespace gantry {

// What `gantry profile` measured, and on what.
struct ProfileReport {
  std::string config, device;
  int64_t batch = 0;
  DeviceLimits limits;
  StepProfile profile;
};

// Tables by op and by layer, and by call if asked.
std::string to_text(const ProfileReport& report, bool calls);
std::string to_json(const ProfileReport& report);

}  // namespace gantry
