// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/world.h"
#include "kernels/cluster/links.h"

namespace gantry {

// Brings the ranks of a run together: those above 0 connect to rank 0 at world.host and .port and
// say who they are (kernels/cluster/handshake.h); when all are there, rank 0 tells each where the
// others listen, and each connects to those below itself. By rank; the own place is empty.
// EnvironmentError, on all ranks that have met, where some do not come in time, come twice or count
// other numbers of ranks; on the one alone that is of another job or version, cannot reach rank 0,
// or finds something else there.
std::vector<Peer> meet(const World& world);

}  // namespace gantry
