// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/streams.h"

#include <sched.h>

#include <algorithm>
#include <chrono>

#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/injected_faults.h"

namespace emulation = gantry::emulation;
using emulation::Work;
using emulation::WorkOfLaunch;

// Of each stream, up to which of its work something comes after.
using After = std::map<cudaStream_t, int64_t>;

// What is being captured: in the order in which it was queued, which is one that the graph allows.
struct CUgraph_st {
  std::vector<WorkOfLaunch> work;
  std::map<cudaStream_t, After> streams;  // that take part
};
struct CUgraphExec_st {
  std::vector<WorkOfLaunch> work;
};
struct CUstream_st {
  std::shared_ptr<CUgraph_st> capture;
  std::deque<Work> pending;
  bool draining = false;
  int64_t queued = 0;
};
struct CUevent_st {
  std::chrono::steady_clock::time_point when;
  int64_t recorded = 0, reached = 0;  // how often
  cudaStream_t stream = nullptr;      // the last that recorded it
  std::weak_ptr<CUgraph_st> capture;  // in which it was recorded last
  After after;
};

namespace {

thread_local int captures = 0;

// Work that waits for another stream drains that one, which may come back here.
void drain(cudaStream_t stream) {
  if (stream->draining) return;
  stream->draining = true;
  try {
    while (!stream->pending.empty() && stream->pending.front()()) stream->pending.pop_front();
  } catch (...) {
    stream->draining = false;
    throw;
  }
  stream->draining = false;
}

void push(cudaStream_t stream, Work work) {
  if (!stream->pending.empty()) drain(stream);
  if (!stream->pending.empty() || !work()) stream->pending.push_back(std::move(work));
}

void merge(After& into, const After& from) {
  for (const auto& [stream, count] : from) into[stream] = std::max(into[stream], count);
}

void mark(cudaEvent_t event, int64_t number) {
  event->when = std::chrono::steady_clock::now();
  event->reached = number;
}

}  // namespace

namespace gantry::emulation {

bool capturing(cudaStream_t stream) { return stream && stream->capture; }
bool thread_captures() { return captures > 0; }
int64_t work_queued(cudaStream_t stream) { return stream->queued; }
bool has_pending(cudaStream_t stream) { return stream && !stream->pending.empty(); }

void queue_work(cudaStream_t stream, WorkOfLaunch work) {
  ++stream->queued;
  if (!stream->capture) return push(stream, work());
  ++stream->capture->streams[stream][stream];
  stream->capture->work.push_back(std::move(work));
}

bool takes_now(cudaStream_t stream) {
  if (!stream) return true;
  if (stream->capture) return false;
  if (!stream->pending.empty()) drain(stream);
  if (!stream->pending.empty()) return false;
  ++stream->queued;
  return true;
}

}  // namespace gantry::emulation

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
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  GANTRY_ANSWER("cudaStreamQuery");
  if (captures > 0) return cudaErrorStreamCaptureUnsupported;
  drain(stream);
  return stream->pending.empty() ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  GANTRY_ANSWER("cudaStreamSynchronize");
  if (captures > 0) return cudaErrorStreamCaptureUnsupported;
  for (drain(stream); !stream->pending.empty(); drain(stream)) sched_yield();
  return cudaSuccess;
}

// Captures.

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  GANTRY_ANSWER("cudaStreamBeginCapture");
  if (!stream || stream->capture) return cudaErrorInvalidValue;
  stream->capture = std::make_shared<CUgraph_st>();
  stream->capture->streams[stream];
  ++captures;
  return cudaSuccess;
}
// All that other streams have taken down must come before the end of the stream that began.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  GANTRY_ANSWER("cudaStreamEndCapture");
  if (!stream->capture) return cudaErrorInvalidValue;
  const std::shared_ptr<CUgraph_st> captured = stream->capture;
  const After& joined = captured->streams.at(stream);
  bool all = true;
  for (const auto& [other, after] : captured->streams) {
    const auto own = after.find(other), known = joined.find(other);
    all = all && (own == after.end() || (known != joined.end() && known->second >= own->second));
    other->capture.reset();
  }
  --captures;
  *graph = all ? new CUgraph_st(*captured) : nullptr;
  return all ? cudaSuccess : cudaErrorStreamCaptureUnjoined;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  GANTRY_ANSWER("cudaStreamIsCapturing");
  *status =
      emulation::capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  GANTRY_ANSWER("cudaGraphInstantiate");
  *executable = new CUgraphExec_st{graph->work};
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
  for (const WorkOfLaunch& work : executable->work) emulation::queue_work(stream, work);
  return cudaSuccess;
}

// Events, by the host's clock.

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
// In a capture an event that is not external is no work: it says what comes before.
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  GANTRY_ANSWER("cudaEventRecord");
  event->stream = stream;
  event->capture = stream->capture;
  if (stream->capture) {
    event->after = stream->capture->streams.at(stream);
    return cudaSuccess;
  }
  const int64_t number = ++event->recorded;
  emulation::queue(stream, [event, number] { mark(event, number); });
  return cudaSuccess;
}
// As marks are set: a captured stream takes external events alone, and only it takes those.
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  GANTRY_ANSWER("cudaEventRecordWithFlags");
  if (emulation::capturing(stream) != (flags == cudaEventRecordExternal))
    return cudaErrorInvalidValue;
  emulation::queue(stream, [event] { mark(event, ++event->recorded); });
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  GANTRY_ANSWER("cudaStreamWaitEvent");
  const std::shared_ptr<CUgraph_st> capture = event->capture.lock();
  if (capture) {
    if (stream->capture && stream->capture != capture) return cudaErrorStreamCaptureIsolation;
    stream->capture = capture;
    merge(capture->streams[stream], event->after);
    return cudaSuccess;
  }
  if (stream->capture) return cudaErrorStreamCaptureIsolation;
  const int64_t number = event->recorded;
  const cudaStream_t from = event->stream;
  emulation::queue_work(stream, [event, from, number] {
    return [event, from, number] {
      if (event->reached < number) drain(from);
      return event->reached >= number;
    };
  });
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  GANTRY_ANSWER("cudaEventElapsedTime");
  if (from->reached == 0 || to->reached == 0) return cudaErrorInvalidValue;
  *milliseconds = std::chrono::duration<float, std::milli>(to->when - from->when).count();
  return cudaSuccess;
}
