// SPDX-License-Identifier: Apache-2.0
// Stands in for the CUDA header of this name where kernels/cuda is compiled for the emulation: the
// part of the language and of the runtime library that the backend uses, and nothing else.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <tuple>

#include "tests/cuda_emulation/emulator.h"

// The language.

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

namespace gantry::emulation {
// threadIdx and its like: objects without contents whose members ask the machine.
template <auto kOf, unsigned kAxis>
struct Component {
  operator unsigned() const { return kOf(kAxis); }
};
template <auto kOf>
struct Index {
  Component<kOf, 0> x;
  Component<kOf, 1> y;
  Component<kOf, 2> z;
};
}  // namespace gantry::emulation
inline constexpr gantry::emulation::Index<&gantry::emulation::thread_index> threadIdx{};
inline constexpr gantry::emulation::Index<&gantry::emulation::block_index> blockIdx{};
inline constexpr gantry::emulation::Index<&gantry::emulation::block_extent> blockDim{};
inline constexpr gantry::emulation::Index<&gantry::emulation::grid_extent> gridDim{};

#define GANTRY_SHARED_ARRAY(type, name, length) \
  static const char name##_key = 0;             \
  type* const name = static_cast<type*>(        \
      ::gantry::emulation::shared_array(&name##_key, sizeof(type) * size_t{length}))
#define GANTRY_NANOSECONDS() ::gantry::emulation::nanoseconds()
#define GANTRY_ALIGNED(p, bytes) ::gantry::emulation::check_aligned(p, bytes)

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  gantry::emulation::sync_threads(where);
}
inline void __syncwarp(unsigned mask = 0xffffffffu,
                       std::source_location where = std::source_location::current()) {
  gantry::emulation::sync_warp(mask, where);
}
inline void __threadfence() {}
inline void __threadfence_system() {}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              std::source_location where = std::source_location::current()) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  const unsigned first = gantry::emulation::lane() / unsigned(width) * unsigned(width);
  const unsigned from = first + unsigned(source) % unsigned(width);
  bits =
      gantry::emulation::exchange(gantry::emulation::Exchange::kShuffle, mask, bits, from, where);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(gantry::emulation::lane());
  const int from = lane ^ lane_mask;
  const bool inside = from / width <= lane / width;
  return __shfl_sync(mask, value, (inside ? from : lane) % width, width, where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(gantry::emulation::lane()) % width;
  const int from = lane + static_cast<int>(delta);
  return __shfl_sync(mask, value, from < width ? from : lane, width, where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(gantry::emulation::lane()) % width;
  const int from = lane - static_cast<int>(delta);
  return __shfl_sync(mask, value, from >= 0 ? from : lane, width, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(gantry::emulation::exchange(gantry::emulation::Exchange::kBallot,
                                                           mask, predicate != 0, 0, where));
}
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}

// Atomics on integers: those on floats would make results depend on the order of arrival.
template <typename T>
T atomicAdd(T* address, T value) {
  return gantry::emulation::atomic_add(address, value);
}

template <typename T>
T __ldg(const T* p) {
  return *p;
}
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

// The runtime library.

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureIsolation = 905,
  cudaErrorStreamCaptureWrongThread = 908,
};
const char* cudaGetErrorName(cudaError_t status);
const char* cudaGetErrorString(cudaError_t status);
cudaError_t cudaGetLastError();

struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem;
  int major, minor;
  int multiProcessorCount;
};
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
inline constexpr int CUDART_VERSION = 13000;

struct CUstream_st;
struct CUgraph_st;
struct CUgraphExec_st;
using cudaStream_t = CUstream_st*;
inline constexpr unsigned cudaStreamNonBlocking = 1;
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);

using cudaGraph_t = CUgraph_st*;
using cudaGraphExec_t = CUgraphExec_st*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
struct CUevent_st;
using cudaEvent_t = CUevent_st*;
inline constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2,
                          cudaEventRecordDefault = 0, cudaEventRecordExternal = 1;
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive };
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);

enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};
cudaError_t emulated_malloc(void** data, size_t bytes);
template <typename T>
cudaError_t cudaMalloc(T** data, size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = emulated_malloc(&memory, bytes);
  *data = static_cast<T*>(memory);
  return status;
}
cudaError_t cudaFree(void* data);
inline constexpr unsigned cudaHostAllocPortable = 1, cudaHostAllocMapped = 2;
cudaError_t cudaHostAlloc(void** data, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* data);
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaMemset(void* data, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
cudaError_t emulated_launch(const cudaLaunchConfig_t& config, void (*body)(const void*),
                            const void* argument, size_t bytes);
struct cudaFuncAttributes {
  int numRegs;
};
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function);
cudaError_t cudaFuncGetName(const char** name, const void* function);

template <typename... Params, typename... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...),
                               Args&&... args) {
  struct Call {
    void (*kernel)(Params...);
    std::tuple<Params...> args;
  };
  const Call call{kernel, {args...}};
  const auto body = [](const void* p) {
    const Call& of_thread = *static_cast<const Call*>(p);
    std::apply(of_thread.kernel, of_thread.args);
  };
  return emulated_launch(*config, body, &call, sizeof(Call));
}
