// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/startup.h"

namespace gantry::cuda {
namespace {

__global__ void probe_kernel() {}

std::string version(int number) { return concat(number / 1000, ".", number % 1000 / 10); }

}  // namespace

std::string library_version(size_t number) {
  return concat(number / 10000, ".", number % 10000 / 100, ".", number % 100);
}

void check_version(const char* name, size_t compiled, size_t loaded) {
  if (loaded / 10000 == compiled / 10000 && loaded >= compiled) return;
  throw EnvironmentError(concat(name, " ", library_version(loaded),
                                " was loaded, but this gantry was compiled for ",
                                library_version(compiled),
                                "; put the folder of the latter first in LD_LIBRARY_PATH, or "
                                "build gantry again"));
}

void check_driver() {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    throw EnvironmentError(
        "backend=cuda: no NVIDIA driver is loaded; install one, or use backend=cpu");
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  // Within one major version, programs run on drivers of every minor one.
  if (status == cudaErrorInsufficientDriver || driver / 1000 < CUDART_VERSION / 1000) {
    throw EnvironmentError(concat("backend=cuda: the driver serves CUDA ", version(driver),
                                  ", this gantry was built with ", version(CUDART_VERSION),
                                  "; update the driver, build with an older toolkit, or use "
                                  "backend=cpu"));
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw EnvironmentError(
        "backend=cuda: the driver shows no GPU (is CUDA_VISIBLE_DEVICES set to hide it?); use "
        "backend=cpu");
  }
  if (status != cudaSuccess) {
    throw EnvironmentError(concat("backend=cuda: ", cudaGetErrorString(status),
                                  "; does nvidia-smi work? Else use backend=cpu"));
  }
}

void check_kernel_image(const CudaDevice& device) {
  cudaFuncAttributes attributes{};
  const cudaError_t status =
      cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&probe_kernel));
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw EnvironmentError(concat(device.name(), ": ", cudaGetErrorString(status),
                                "; build gantry for this GPU with "
                                "-DCMAKE_CUDA_ARCHITECTURES=native"));
}

}  // namespace gantry::cuda
