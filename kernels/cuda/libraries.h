// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include "kernels/cuda/cuda_device.h"

namespace gantry {

// The library handles of one stream, or (no stream) those that a device plans with.
struct CudaLibraries {
  explicit CudaLibraries(cudaStream_t stream);
  ~CudaLibraries();
  CudaLibraries(const CudaLibraries&) = delete;
  CudaLibraries& operator=(const CudaLibraries&) = delete;

  cudnnHandle_t cudnn = nullptr;
  cublasLtHandle_t cublas_lt = nullptr;
};

namespace cuda {

// As for calls of the runtime library (cuda_device.h).
[[noreturn]] void failed(cudnnStatus_t status, const std::string& call);
[[noreturn]] void failed(cublasStatus_t status, const std::string& call);

inline void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) failed(status, call);
}
inline void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) failed(status, call);
}

}  // namespace cuda
}  // namespace gantry
