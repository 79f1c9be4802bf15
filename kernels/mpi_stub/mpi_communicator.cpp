// SPDX-License-Identifier: Apache-2.0
// Linked where MPI is not built in.
#include "kernels/mpi_backend.h"

namespace gantry {

bool mpi_built() { return false; }

std::unique_ptr<Communicator> open_mpi_communicator() {
  throw EnvironmentError(
      "an MPI launcher started this rank, but this gantry was built without MPI: install it "
      "(tools/packages.sh mpi) and build again, or say --rendezvous HOST:PORT");
}

std::vector<LibraryVersion> mpi_library_versions() { return {}; }

}  // namespace gantry
