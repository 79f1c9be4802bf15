// SPDX-License-Identifier: Apache-2.0
// Linked where MPI is not built in.
#include "kernels/mpi_backend.h"

namespace gantry {

bool mpi_built() { return false; }

std::unique_ptr<Communicator> open_mpi_communicator() {
  throw EnvironmentError(
      "this gantry was built without MPI, which joins several processes; install it "
      "(tools/packages.sh mpi) and build again");
}

std::vector<LibraryVersion> mpi_library_versions() { return {}; }

}  // namespace gantry
