// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include "kernels/cuda/cuda_device.h"

namespace gantry {

// The library handles of one stream.
struct CudaStream::Libraries {
  explicit Libraries(cudaStream_t stream);
  ~Libraries();
  Libraries(const Libraries&) = delete;
  Libraries& operator=(const Libraries&) = delete;

  cudnnHandle_t cudnn = nullptr;
  cublasLtHandle_t cublas_lt = nullptr;
};

namespace cuda {

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
