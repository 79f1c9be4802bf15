// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"

namespace gantry {

// Written by kernels/mpi or, where MPI is not built in, by kernels/mpi_stub.
bool mpi_built();
// Joins the processes that an MPI launcher has started, on host memory. One in a process.
// EnvironmentError where it cannot.
std::unique_ptr<Communicator> open_mpi_communicator();
// Empty where not built in.
std::vector<LibraryVersion> mpi_library_versions();

}  // namespace gantry
