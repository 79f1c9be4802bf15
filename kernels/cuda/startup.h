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
void check_kernel_image();

// "cuda:0 (NVIDIA H200, sm_90)"
std::string device_name(int ordinal, const cudaDeviceProp& properties);
std::string current_device_name();

// Of cuDNN and cuBLASLt (libraries.cpp): EnvironmentError where what was loaded is not what gantry
// was compiled for.
void check_library_versions();
std::vector<LibraryVersion> math_library_versions();
// Named ranges as an NVTX domain, and cudaProfilerStart/Stop (nvtx_profiler.cpp).
std::unique_ptr<ProfilerSink> make_profiler();

std::shared_ptr<CudaStream::Libraries> open_libraries(cudaStream_t stream);

}  // namespace gantry::cuda
