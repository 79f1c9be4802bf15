// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/libraries.h"

#include "kernels/cuda/startup.h"

namespace gantry {

CudaStream::Libraries::Libraries(cudaStream_t stream) {
  cuda::check(cudnnCreate(&cudnn), "cudnnCreate");
  cuda::check(cudnnSetStream(cudnn, stream), "cudnnSetStream");
  cuda::check(cublasLtCreate(&cublas_lt), "cublasLtCreate");
}

CudaStream::Libraries::~Libraries() {
  if (cublas_lt) cublasLtDestroy(cublas_lt);
  if (cudnn) cudnnDestroy(cudnn);
}

namespace cuda {
namespace {

std::string version(size_t number, size_t major_unit, size_t minor_unit) {
  return concat(number / major_unit, ".", number % major_unit / minor_unit, ".",
                number % minor_unit);
}
std::string cudnn_version(size_t number) { return version(number, 10000, 100); }
std::string cublas_version(size_t number) { return version(number, 10000, 100); }

// Of one major version, a library serves programs that were compiled for an older minor one.
void check_version(const char* name, size_t compiled, size_t loaded, size_t major_unit) {
  if (loaded / major_unit == compiled / major_unit && loaded >= compiled) return;
  throw EnvironmentError(concat(name, " ", version(loaded, 10000, 100),
                                " was loaded, but this gantry was compiled for ",
                                version(compiled, 10000, 100),
                                "; put the folder of the latter first in LD_LIBRARY_PATH, or "
                                "build gantry again"));
}

}  // namespace

std::shared_ptr<CudaStream::Libraries> open_libraries(cudaStream_t stream) {
  return std::make_shared<CudaStream::Libraries>(stream);
}

void check_library_versions() {
  check_version("cuDNN", CUDNN_VERSION, cudnnGetVersion(), 10000);
  check_version("cuBLASLt", CUBLAS_VERSION, cublasLtGetVersion(), 10000);
}

std::vector<LibraryVersion> math_library_versions() {
  return {{"cuDNN", cudnn_version(CUDNN_VERSION), cudnn_version(cudnnGetVersion())},
          {"cuBLASLt", cublas_version(CUBLAS_VERSION), cublas_version(cublasLtGetVersion())}};
}

void failed(cudnnStatus_t status, const std::string& call) {
  // The text of the last error names the argument at fault, and may be long.
  char detail[512] = {};
  cudnnGetLastErrorString(detail, sizeof(detail));
  throw DeviceError(concat(current_device_name(), ": ", call, ": ", cudnnGetErrorString(status),
                           detail[0] ? ": " : "", detail));
}

void failed(cublasStatus_t status, const std::string& call) {
  throw DeviceError(
      concat(current_device_name(), ": ", call, ": ", cublasLtGetStatusString(status)));
}

}  // namespace cuda
}  // namespace gantry
