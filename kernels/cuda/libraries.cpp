// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/libraries.h"

#include "kernels/cuda/startup.h"

namespace gantry {

CudaLibraries::CudaLibraries(cudaStream_t stream) {
  cuda::check(cudnnCreate(&cudnn), "cudnnCreate");
  cuda::check(cudnnSetStream(cudnn, stream), "cudnnSetStream");
  cuda::check(cublasLtCreate(&cublas_lt), "cublasLtCreate");
}

CudaLibraries::~CudaLibraries() {
  if (cuda::lost()) return;
  if (cublas_lt) cublasLtDestroy(cublas_lt);
  if (cudnn) cudnnDestroy(cudnn);
}

namespace cuda {
namespace {

bool is_out_of_memory(cudnnStatus_t status) {
  return status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
         status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
}

}  // namespace

std::shared_ptr<CudaLibraries> open_libraries(cudaStream_t stream) {
  return std::make_shared<CudaLibraries>(stream);
}

void check_library_versions() {
  check_version("cuDNN", CUDNN_VERSION, cudnnGetVersion());
  check_version("cuBLASLt", CUBLAS_VERSION, cublasLtGetVersion());
}

std::vector<LibraryVersion> math_library_versions() {
  return {{"cuDNN", library_version(CUDNN_VERSION), library_version(cudnnGetVersion())},
          {"cuBLASLt", library_version(CUBLAS_VERSION), library_version(cublasLtGetVersion())}};
}

void failed(cudnnStatus_t status, const std::string& call) {
  // The text of the last error names the argument at fault, and may be long.
  char detail[512] = {};
  cudnnGetLastErrorString(detail, sizeof(detail));
  const std::string says = concat(cudnnGetErrorString(status), detail[0] ? ": " : "", detail);
  if (is_out_of_memory(status)) out_of_memory(call, says);
  device_failed(call, says);
}

void failed(cublasStatus_t status, const std::string& call) {
  const std::string says = cublasLtGetStatusString(status);
  if (status == CUBLAS_STATUS_ALLOC_FAILED) out_of_memory(call, says);
  device_failed(call, says);
}

}  // namespace cuda
}  // namespace gantry
