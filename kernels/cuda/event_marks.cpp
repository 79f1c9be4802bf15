// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <vector>

#include "kernels/cuda/cuda_device.h"

namespace gantry {
namespace {

using cuda::check;

class EventMarks final : public StreamMarks {
 public:
  EventMarks(cudaStream_t stream, size_t count) : stream_(stream) {
    events_.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      cudaEvent_t event = nullptr;
      check(cudaEventCreateWithFlags(&event, cudaEventDefault), "cudaEventCreateWithFlags");
      events_.push_back(event);
    }
  }
  ~EventMarks() override {
    if (cuda::lost()) return;
    for (const cudaEvent_t event : events_) cudaEventDestroy(event);
  }
  EventMarks(const EventMarks&) = delete;
  EventMarks& operator=(const EventMarks&) = delete;

  // In a graph an event is a node of its own only if it is called external; else it would order the
  // capture and never be set.
  void set(size_t index) override {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    check(cudaStreamIsCapturing(stream_, &status), "cudaStreamIsCapturing");
    const unsigned flags =
        status == cudaStreamCaptureStatusNone ? cudaEventRecordDefault : cudaEventRecordExternal;
    check(cudaEventRecordWithFlags(events_.at(index), stream_, flags), "cudaEventRecordWithFlags");
  }

  double seconds(size_t from, size_t to) const override {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, events_.at(from), events_.at(to)),
          "cudaEventElapsedTime");
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  std::vector<cudaEvent_t> events_;
};

}  // namespace

std::unique_ptr<StreamMarks> CudaStream::make_marks(size_t count) {
  return std::make_unique<EventMarks>(handle_, count);
}

}  // namespace gantry
