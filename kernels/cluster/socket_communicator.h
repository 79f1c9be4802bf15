// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/world.h"
#include "kernels/communicator.h"

namespace gantry {

// Joins processes that nothing else joins, over TCP, on host memory: each is connected with every
// other. Sums run along the same tree as those of MPI and threads, to the same bytes. Returns when
// all ranks have met (kernels/cluster/rendezvous.h), else throws EnvironmentError.
std::unique_ptr<Communicator> open_socket_communicator(World world);

}  // namespace gantry
