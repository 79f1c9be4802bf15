// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/communicator.h"

namespace gantry {

inline constexpr int kMostThreadRanks = 64;

// Ranks that are threads of one process, each with a device of its own in host memory: for tests.
// The n communicators of one group, by rank; each belongs to one thread. A failed group stays
// failed.
std::vector<std::unique_ptr<Communicator>> thread_communicators(int size);

}  // namespace gantry
