// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <vector>

#include "train/host_copy.h"
#include "train/session.h"

namespace gantry {

inline std::vector<double> weights_of(Session& session, const Player& player) {
  return read_reals(*session.system().backend.device, session.stream(), player.store.values());
}

inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

}  // namespace gantry
