// SPDX-License-Identifier: Apache-2.0
// Events by the host's clock. As on a GPU, a captured stream takes external events alone, and only
// a stream that captures takes those.
#include <chrono>

#include "core/profiler.h"
#include "kernels/cuda/startup.h"
#include "tests/cuda_emulation/include/cuda_runtime.h"
#include "tests/cuda_emulation/injected_faults.h"

struct CUevent_st {
  std::chrono::steady_clock::time_point when;
  bool set = false;
};

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  GANTRY_ANSWER("cudaEventCreateWithFlags");
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  GANTRY_ANSWER("cudaEventDestroy");
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  GANTRY_ANSWER("cudaEventRecordWithFlags");
  const bool capturing = emulated_capturing(stream);
  if (capturing != (flags == cudaEventRecordExternal)) return cudaErrorInvalidValue;
  const auto record = [event] {
    event->when = std::chrono::steady_clock::now();
    event->set = true;
  };
  capturing ? emulated_capture(stream, record) : record();
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  GANTRY_ANSWER("cudaEventElapsedTime");
  if (!from->set || !to->set) return cudaErrorInvalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(to->when - from->when).count();
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  GANTRY_ANSWER("cudaStreamIsCapturing");
  *status =
      emulated_capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}

namespace gantry::cuda {
std::unique_ptr<ProfilerSink> make_profiler() { return nullptr; }
}  // namespace gantry::cuda
