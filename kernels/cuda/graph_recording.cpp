// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "kernels/cuda/cuda_device.h"

namespace gantry {
namespace {

using cuda::check;

class GraphRecording final : public Recording {
 public:
  GraphRecording(cudaStream_t stream, cudaGraphExec_t graph) : stream_(stream), graph_(graph) {}
  ~GraphRecording() override {
    if (!cuda::lost()) cudaGraphExecDestroy(graph_);
  }
  GraphRecording(const GraphRecording&) = delete;
  GraphRecording& operator=(const GraphRecording&) = delete;

  void run() const override { check(cudaGraphLaunch(graph_, stream_), "cudaGraphLaunch"); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t graph_;
};

// Ends the capture when queueing throws, so that the stream is as it was.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    // Other threads (data, checkpoints) go on calling CUDA while this one captures.
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture");
  }
  ~Capture() {
    if (!open_ || cuda::lost()) return;
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(stream_, &graph);
    if (graph) cudaGraphDestroy(graph);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  cudaGraph_t finish() {
    open_ = false;
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
    return graph;
  }

 private:
  cudaStream_t stream_;
  bool open_ = true;
};

}  // namespace

std::unique_ptr<Recording> CudaStream::record(const std::function<void()>& queue_work) {
  Capture capture(handle_);
  queue_work();
  const cudaGraph_t graph = capture.finish();
  cudaGraphExec_t executable = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
  if (graph) cudaGraphDestroy(graph);
  check(status, "cudaGraphInstantiate");
  auto recording = std::make_unique<GraphRecording>(handle_, executable);
  check(cudaGraphUpload(executable, handle_), "cudaGraphUpload");
  return recording;
}

}  // namespace gantry
