// SPDX-License-Identifier: Apache-2.0
// CUDA's runtime library, of which work on a stream is done before the call returns.
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "tests/cuda_emulation/include/cuda_runtime.h"
#include "tests/cuda_emulation/injected_faults.h"

namespace emulation = gantry::emulation;

namespace {
constexpr size_t kMemory = size_t{8} << 30;
}

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
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  GANTRY_ANSWER("cudaGetDevice");
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
  GANTRY_ANSWER("cudaSetDevice");
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
cudaError_t cudaDriverGetVersion(int* version) {
  GANTRY_ANSWER("cudaDriverGetVersion");
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

// What was queued while a stream captured, in order.
struct CUgraph_st {
  std::vector<std::function<void()>> calls;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> calls;
};
struct CUstream_st {
  std::unique_ptr<CUgraph_st> capture;  // while it captures
};

namespace {
// Streams that capture: then calls that wait for a device, or allocate, are refused.
int captures = 0;

cudaError_t unless_capturing() {
  return captures > 0 ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

template <typename Call>
cudaError_t queue(cudaStream_t stream, const Call& call) {
  if (stream && stream->capture) {
    stream->capture->calls.push_back(call);
  } else {
    call();
  }
  return cudaSuccess;
}
}  // namespace

bool emulated_capturing(cudaStream_t stream) { return stream->capture != nullptr; }
void emulated_capture(cudaStream_t stream, std::function<void()> call) {
  stream->capture->calls.push_back(std::move(call));
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  GANTRY_ANSWER("cudaStreamBeginCapture");
  if (!stream || stream->capture) return cudaErrorInvalidValue;
  stream->capture = std::make_unique<CUgraph_st>();
  ++captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  GANTRY_ANSWER("cudaStreamEndCapture");
  if (!stream->capture) return cudaErrorInvalidValue;
  *graph = stream->capture.release();
  --captures;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  GANTRY_ANSWER("cudaGraphInstantiate");
  *executable = new CUgraphExec_st{graph->calls};
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  GANTRY_ANSWER("cudaGraphDestroy");
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  GANTRY_ANSWER("cudaGraphExecDestroy");
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  GANTRY_ANSWER("cudaGraphUpload");
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  GANTRY_ANSWER("cudaGraphLaunch");
  if (stream->capture) return cudaErrorStreamCaptureUnsupported;
  for (const auto& call : executable->calls) call();
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  GANTRY_ANSWER("cudaStreamCreateWithFlags");
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  GANTRY_ANSWER("cudaStreamDestroy");
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  GANTRY_ANSWER("cudaStreamSynchronize");
  return unless_capturing();
}

cudaError_t cudaDeviceSynchronize() {
  GANTRY_ANSWER("cudaDeviceSynchronize");
  return unless_capturing();
}

cudaError_t emulated_malloc(void** data, size_t bytes) {
  GANTRY_ANSWER("cudaMalloc");
  if (captures > 0) return cudaErrorStreamCaptureUnsupported;
  *data = emulation::allocate(bytes);
  return *data ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void* data) {
  GANTRY_ANSWER("cudaFree");
  if (captures > 0) return cudaErrorStreamCaptureUnsupported;
  emulation::release(data);
  return cudaSuccess;
}
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
  return queue(stream, [=] {
    std::memset(data, value, bytes);
    emulation::mark_written(data, bytes);
  });
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  GANTRY_ANSWER("cudaMemcpyAsync");
  return queue(stream, [=] {
    std::memcpy(to, from, bytes);
    emulation::mark_written(to, bytes);
  });
}

cudaError_t emulated_launch(const cudaLaunchConfig_t& config, void (*body)(const void*),
                            const void* argument, size_t bytes) {
  GANTRY_ANSWER("cudaLaunchKernelEx");
  const auto run = [config, body, bytes](const void* of_kernel) {
    emulation::run_grid(config.gridDim, config.blockDim, config.dynamicSmemBytes, body, of_kernel,
                        bytes);
  };
  if (!config.stream || !config.stream->capture) {
    run(argument);
    return cudaSuccess;
  }
  // A launch takes its arguments along, in memory aligned as any of them may need.
  std::vector<std::max_align_t> copy((bytes + sizeof(std::max_align_t) - 1) /
                                     sizeof(std::max_align_t));
  std::memcpy(copy.data(), argument, bytes);
  return queue(config.stream, [run, copy] { run(copy.data()); });
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
