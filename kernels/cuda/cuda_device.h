// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <string>

#include "core/device.h"
#include "kernels/compute_options.h"
#include "kernels/cuda/fault.h"

namespace gantry {

struct CudaLibraries;  // cuDNN and cuBLASLt; see libraries.h

// Waits for a stream in its device's place, where work on it may wait for that of other ranks,
// which may never come.
class StreamWatch {
 public:
  virtual ~StreamWatch() = default;
  virtual void wait(cudaStream_t stream) = 0;
};

// One GPU. Making it is where everything that can be wrong with driver, GPU and libraries is found:
// EnvironmentError with the remedy.
class CudaDevice : public Device {
 public:
  CudaDevice(int ordinal, const ComputeOptions& options);
  ~CudaDevice() override;

  std::string name() const override;  // "cuda:0 (NVIDIA H200, sm_90)"
  size_t memory_bytes() const override;
  size_t available_bytes() const override;
  bool is_apart() const override { return true; }
  std::unique_ptr<Stream> make_stream() override;
  void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) override;
  void copy_to_host(Stream&, void* host, const void* src, size_t bytes) override;
  ProfilerSink* profiler() override { return profiler_.get(); }

  const ComputeOptions& options() const { return options_; }
  int ordinal() const { return ordinal_; }
  // From now on all streams are waited for by this; null: by CUDA.
  void watch_streams(StreamWatch* watch) { watch_ = watch; }
  StreamWatch* stream_watch() const { return watch_; }
  // Handles for describing and choosing work, which runs on the handles of a stream.
  const CudaLibraries& planning();

  // Streaming multiprocessors: what kernels with a fixed number of blocks are cut for.
  int multiprocessors() const { return properties_.multiProcessorCount; }

 private:
  void* allocate(size_t bytes, Contents contents) override;
  void release(void* data) noexcept override;

  int ordinal_;
  cudaDeviceProp properties_{};
  std::string name_;
  ComputeOptions options_;
  std::shared_ptr<CudaLibraries> planning_;
  std::unique_ptr<ProfilerSink> profiler_;
  StreamWatch* watch_ = nullptr;
};

// A CUDA stream with the library handles that running on it needs, or without: for own kernels
// alone.
class CudaStream : public Stream {
 public:
  enum class Libraries : bool { kNone, kAll };
  explicit CudaStream(CudaDevice& device, Libraries libraries = Libraries::kAll);
  ~CudaStream() override;
  void synchronize() override;
  // Events, which a graph may hold too.
  std::unique_ptr<StreamMarks> make_marks(size_t count) override;
  // A CUDA graph.
  std::unique_ptr<Recording> record(const std::function<void()>& queue_work) override;

  cudaStream_t handle() const { return handle_; }
  const CudaLibraries& libraries() const { return *libraries_; }

 private:
  CudaDevice& device_;
  cudaStream_t handle_ = nullptr;
  std::shared_ptr<CudaLibraries> libraries_;
};

namespace cuda {

inline cudaStream_t stream_handle(Stream& stream) {
  return static_cast<CudaStream&>(stream).handle();
}

// Throws MemoryError or DeviceError (fault.h).
[[noreturn]] void failed(cudaError_t status, const std::string& call);
[[noreturn]] void launch_failed(cudaError_t status, const void* kernel);

inline void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) failed(status, call);
}

}  // namespace cuda
}  // namespace gantry
