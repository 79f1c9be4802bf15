// SPDX-License-Identifier: Apache-2.0
// Linked where NCCL is not built in.
#include "kernels/nccl_backend.h"

namespace gantry {

bool nccl_built() { return false; }

std::unique_ptr<Communicator> open_nccl_communicator(Device&, Communicator&) {
  throw EnvironmentError(
      "GPUs of several ranks are joined by NCCL, and this gantry was built without it: get it "
      "(tools/setup_cuda.sh) and build again, start one rank, or use backend=cpu");
}

std::vector<LibraryVersion> nccl_library_versions() { return {}; }

}  // namespace gantry
