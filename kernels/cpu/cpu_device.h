// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/device.h"

namespace gantry {

// The processor, with a fixed number of threads. Results depend on that number (it fixes how loops
// and reductions are split), so it is part of what makes a run reproducible.
class CpuDevice : public Device {
 public:
  // threads: 0 for all that this process may use (affinity, cgroup quota, OMP_NUM_THREADS).
  explicit CpuDevice(int threads);
  ~CpuDevice() override;

  std::string name() const override;  // "cpu (2 threads, avx512_core)"
  // Installed, or the limit of the process's cgroup where that is less.
  size_t memory_bytes() const override;
  std::unique_ptr<Stream> make_stream() override;
  void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) override;
  void copy_to_host(Stream&, void* host, const void* src, size_t bytes) override;

  int threads() const { return threads_; }
  // OpenMP keeps the thread count per calling thread, and oneDNN's primitives take it from there
  // when they are made.
  void set_threads() const;
  struct Library;  // the oneDNN engine; see dnnl_engine.h
  const Library& library() const { return *library_; }

 private:
  void* allocate(size_t bytes, Contents contents) override;
  void release(void* data) noexcept override;

  int threads_;
  std::unique_ptr<Library> library_;
  std::mutex mutex_;
  std::unordered_map<void*, size_t> mapped_;  // large blocks, which come from mmap
};

// Calls run on the caller's thread, so there is never anything to wait for.
class CpuStream : public Stream {
 public:
  explicit CpuStream(const CpuDevice& device);
  ~CpuStream() override;
  void synchronize() override {}

  // OpenMP keeps the thread count per calling thread; a stream carries it to whichever thread uses
  // it. Costs a store.
  void set_threads() const;
  struct Library;  // the oneDNN stream
  const Library& library() const { return *library_; }

 private:
  int threads_;
  std::unique_ptr<Library> library_;
};

}  // namespace gantry
