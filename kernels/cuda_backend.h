// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "kernels/kernels.h"

namespace gantry {

// Written by kernels/cuda or, where CUDA is not built in, by kernels/cuda_stub (and by
// tests/cuda_emulation, for test programs that run the CUDA backend without a GPU).
bool cuda_built();
// Whether there is a driver and a GPU, in whatever state: then backend=auto means the GPU.
bool cuda_device_present();
// The GPU of this host's rank `local_rank`: of those that it sees the one of that number, or the
// only one, where a launcher shows each rank its own. Throws EnvironmentError with the remedy.
Backend open_cuda_backend(const ComputeOptions& options, int local_rank = 0);
// CUDA runtime, cuDNN, cuBLASLt; empty where not built in.
std::vector<LibraryVersion> cuda_library_versions();

}  // namespace gantry
