// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/world.h"
#include "kernels/communicator.h"

namespace gantry {

// Whether this build can join several processes at all.
bool joins_processes();

// Joins this process with the others of its launcher. Throws EnvironmentError where this build has
// nothing to join them with, or they are not what the launcher says. Only kernels/backends.cpp
// knows what there is.
std::unique_ptr<Communicator> open_communicator(const World& world);

}  // namespace gantry
