// SPDX-License-Identifier: Apache-2.0
// Linked where CUDA is not built in.
#include "kernels/cuda_backend.h"

namespace gantry {

bool cuda_built() { return false; }

bool cuda_device_present() { return false; }

Backend open_cuda_backend(const ComputeOptions&, int) {
  throw EnvironmentError("this gantry was built without CUDA; use backend=cpu");
}

std::vector<LibraryVersion> cuda_library_versions() { return {}; }

}  // namespace gantry
