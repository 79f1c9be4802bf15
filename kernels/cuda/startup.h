// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_device.h"
#include "kernels/kernels.h"

namespace gantry::cuda {

// Driver and GPU, before anything is made on it. Throws EnvironmentError with the remedy.
void check_driver();
// Whether this program has code for the current GPU (kernels/cuda/startup.cu).
void check_kernel_image(const CudaDevice& device);

// Of cuDNN and cuBLASLt (libraries.cpp): EnvironmentError where what was loaded is not what gantry
// was compiled for.
void check_library_versions();
// Of one major version, a library serves programs that were compiled for an older minor one.
// Numbers as cuDNN and cuBLASLt give them: 10000 major + 100 minor + patch.
void check_version(const char* name, size_t compiled, size_t loaded);
std::string library_version(size_t number);  // "9.24.0"
std::vector<LibraryVersion> math_library_versions();
// Named ranges as an NVTX domain, and cudaProfilerStart/Stop (nvtx_profiler.cpp).
std::unique_ptr<ProfilerSink> make_profiler();

std::shared_ptr<CudaLibraries> open_libraries(cudaStream_t stream);

}  // namespace gantry::cuda
