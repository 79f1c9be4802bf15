// SPDX-License-Identifier: Apache-2.0
// The one file that knows which backends exist.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cuda_backend.h"

namespace gantry {

Backend open_backend(BackendChoice choice, int threads) {
  if (choice == BackendChoice::kCuda || (choice == BackendChoice::kAuto && cuda_built())) {
    return open_cuda_backend();
  }
  return open_cpu_backend(threads);
}

std::vector<LibraryVersion> library_versions() { return {cpu_library_version()}; }

bool has_cuda_backend() { return cuda_built(); }

}  // namespace gantry
