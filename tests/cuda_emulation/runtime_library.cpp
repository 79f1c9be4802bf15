// SPDX-License-Identifier: Apache-2.0
// CUDA's runtime library: devices, memory, launches. Streams: streams.cpp.
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/cuda_emulation/include/cuda_runtime.h"
#include "tests/cuda_emulation/injected_faults.h"
#include "tests/cuda_emulation/streams.h"

namespace emulation = gantry::emulation;

namespace {
constexpr size_t kMemory = size_t{8} << 30;
std::atomic<int> devices = 1;
thread_local int current_device = 0;  // each has memory for itself, but all is one here
}  // namespace

void gantry::emulation::set_devices(int count) { devices = count; }

const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    default:
      return "cudaError";
  }
}
const char* cudaGetErrorString(cudaError_t status) {
  return status == cudaErrorMemoryAllocation ? "out of memory" : "an emulated error";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) {
  GANTRY_ANSWER("cudaGetDeviceCount");
  *count = devices;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  GANTRY_ANSWER("cudaGetDevice");
  *device = current_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  GANTRY_ANSWER("cudaSetDevice");
  if (device < 0 || device >= devices) return cudaErrorInvalidDevice;
  current_device = device;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  GANTRY_ANSWER("cudaGetDeviceProperties");
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "emulated");
  properties->totalGlobalMem = kMemory;
  properties->major = 9;
  properties->multiProcessorCount = 4;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device) {
  GANTRY_ANSWER("cudaDeviceGetPCIBusId");
  std::snprintf(id, static_cast<size_t>(length), "0000:%02x:00.0", static_cast<unsigned>(device));
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  GANTRY_ANSWER("cudaDriverGetVersion");
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

namespace {
cudaError_t unless_capturing() {
  return emulation::thread_captures() ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
}  // namespace

cudaError_t cudaDeviceSynchronize() {
  GANTRY_ANSWER("cudaDeviceSynchronize");
  return unless_capturing();
}

cudaError_t emulated_malloc(void** data, size_t bytes) {
  GANTRY_ANSWER("cudaMalloc");
  if (emulation::thread_captures()) return cudaErrorStreamCaptureUnsupported;
  *data = emulation::allocate(bytes);
  return *data ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* data) {
  GANTRY_ANSWER("cudaFree");
  if (emulation::thread_captures()) return cudaErrorStreamCaptureUnsupported;
  emulation::release(data);
  return cudaSuccess;
}
// Memory of the host that the device may use, too.
cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned) {
  const cudaError_t status = emulated_malloc(data, bytes);
  if (status == cudaSuccess) emulation::mark_written(*data, bytes);
  return status;
}
cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  GANTRY_ANSWER("cudaMemGetInfo");
  *total = kMemory;
  *free = kMemory - emulation::allocated_bytes();
  return cudaSuccess;
}
cudaError_t cudaMemset(void* data, int value, size_t bytes) {
  GANTRY_ANSWER("cudaMemset");
  std::memset(data, value, bytes);
  emulation::mark_written(data, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  GANTRY_ANSWER("cudaMemsetAsync");
  emulation::queue(stream, [=] {
    std::memset(data, value, bytes);
    emulation::mark_written(data, bytes);
  });
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  GANTRY_ANSWER("cudaMemcpyAsync");
  // Memory of the host that is not pinned is read before the call returns.
  std::vector<char> kept;
  if (kind == cudaMemcpyHostToDevice && emulation::has_pending(stream)) {
    const char* bytes_of = static_cast<const char*>(from);
    kept.assign(bytes_of, bytes_of + bytes);
  }
  emulation::queue(stream, [=] {
    std::memcpy(to, kept.empty() ? from : kept.data(), bytes);
    emulation::mark_written(to, bytes);
  });
  return cudaSuccess;
}

cudaError_t emulated_launch(const cudaLaunchConfig_t& config, void (*body)(const void*),
                            const void* argument, size_t bytes) {
  GANTRY_ANSWER("cudaLaunchKernelEx");
  const auto run = [config, body, bytes](const void* of_kernel) {
    emulation::run_grid(config.gridDim, config.blockDim, config.dynamicSmemBytes, body, of_kernel,
                        bytes);
  };
  if (emulation::takes_now(config.stream)) {
    run(argument);
    return cudaSuccess;
  }
  // A launch takes its arguments along, in memory aligned as any of them may need.
  std::vector<std::max_align_t> copy((bytes + sizeof(std::max_align_t) - 1) /
                                     sizeof(std::max_align_t));
  std::memcpy(copy.data(), argument, bytes);
  emulation::queue(config.stream, [run, copy] { run(copy.data()); });
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  GANTRY_ANSWER("cudaFuncGetAttributes");
  *attributes = {};
  return cudaSuccess;
}
cudaError_t cudaFuncGetName(const char** name, const void*) {
  *name = "_ZN6gantry4cuda14advance_kernelEv";
  return cudaSuccess;
}
