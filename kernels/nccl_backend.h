// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"

namespace gantry {

// Written by kernels/nccl or, where NCCL is not built in, by kernels/nccl_stub (and by
// tests/cuda_emulation, over a stand-in of the library).
bool nccl_built();
// What joins this rank's GPU, one opened by the CUDA backend, with those of the other ranks, which
// `host` has joined; both must outlive it. Nothing is exchanged before connect(). EnvironmentError
// where it cannot be had.
std::unique_ptr<Communicator> open_nccl_communicator(Device& gpu, Communicator& host);
// Empty where not built in.
std::vector<LibraryVersion> nccl_library_versions();

}  // namespace gantry
