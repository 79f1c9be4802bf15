// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "kernels/communicator.h"

namespace gantry {

// What a rank did last, for whoever looks for the reason why ranks have lost each other:
// RUN/collectives/rank-0.json with host, cause and the last collective operations of this rank,
// oldest first; one without "took_s" is where it still waited. Returns the file. IoError.
std::filesystem::path write_collective_dump(const std::filesystem::path& run,
                                            const Communicator& ranks, const std::string& cause);
// Those of an earlier start of the run.
void remove_collective_dumps(const std::filesystem::path& run);

}  // namespace gantry
