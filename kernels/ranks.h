// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/world.h"
#include "kernels/communicator.h"

namespace gantry {

// Whether this build joins the processes of an MPI launcher.
bool has_mpi();

// Joins this process with the others of its launcher: by MPI where an MPI launcher started them,
// else by sockets. Throws EnvironmentError where this build has nothing to join them with, or they
// are not what the launcher says. Only kernels/backends.cpp knows what there is.
std::unique_ptr<Communicator> open_communicator(const World& world);

}  // namespace gantry
