// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/startup.h"

namespace gantry::cuda {
namespace {

__global__ void probe_kernel() {}

std::string version(int number) { return concat(number / 1000, ".", number % 1000 / 10); }

}  // namespace

std::string device_name(int ordinal, const cudaDeviceProp& p) {
  return concat("cuda:", ordinal, " (", p.name, ", sm_", p.major, p.minor, ")");
}

std::string current_device_name() {
  int ordinal = 0;
  cudaDeviceProp properties{};
  if (cudaGetDevice(&ordinal) != cudaSuccess ||
      cudaGetDeviceProperties(&properties, ordinal) != cudaSuccess)
    return "cuda";
  return device_name(ordinal, properties);
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

void check_kernel_image() {
  cudaFuncAttributes attributes{};
  const cudaError_t status =
      cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&probe_kernel));
  if (status == cudaSuccess) return;
  cudaGetLastError();
  throw EnvironmentError(concat(current_device_name(), ": ", cudaGetErrorString(status),
                                "; build gantry for this GPU with "
                                "-DCMAKE_CUDA_ARCHITECTURES=native"));
}

}  // namespace gantry::cuda
