// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/tensor.h"

namespace gantry {

// Work that a stream has taken down and queues again as a whole.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void run() const = 0;
};

// Points in a stream's queue of work, and when the device came to each.
class StreamMarks {
 public:
  virtual ~StreamMarks() = default;
  // Queues mark `index` behind the work queued so far. A mark may be set again,
  // and by a recording.
  virtual void set(size_t index) = 0;
  // Seconds between two marks that the device has passed (after Stream::synchronize).
  virtual double seconds(size_t from, size_t to) const = 0;
};

// An ordered queue of work on one device. Owns the library handles that running a kernel needs.
class Stream {
 public:
  virtual ~Stream() = default;
  // Blocks the host until everything queued so far has run. Errors of queued work surface here.
  virtual void synchronize() = 0;
  // Takes down what `queue_work` queues on this stream, without running it. The memory that the
  // work names must outlive the recording, and the stream too. Null where queueing costs nothing
  // worth saving (the CPU); then queue_work has not been called. A recording may keep queue_work.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& /*queue_work*/) {
    return nullptr;
  }
  // `count` marks, not set yet; gone before the stream. Here: by the host's clock, for streams that
  // run work while it is queued.
  virtual std::unique_ptr<StreamMarks> make_marks(size_t count);

 protected:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

class Device;
class ProfilerSink;

// What memory holds when it has just been made. kUnwritten leaves to tools that look for reads of
// memory that nobody wrote what they need to see it.
enum class Contents { kZero, kUnwritten };

// Owns one allocation on a device. Movable, never copied.
class Memory {
 public:
  Memory() = default;
  Memory(Device& device, size_t bytes, Contents contents = Contents::kZero);
  ~Memory();
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&& other) noexcept;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  Device* device_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// Where memory lives and streams run. Outlives everything made from it.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;     // "cpu (2 threads, avx512_core)"
  virtual size_t memory_bytes() const = 0;  // installed
  // What can still be had of it, where the device knows.
  virtual size_t available_bytes() const { return memory_bytes(); }
  // Whether it works behind the host's back in memory of its own, as a GPU does: then the host
  // waits for it as seldom as it can, and what it reads over and over is kept there.
  virtual bool is_apart() const { return false; }
  virtual std::unique_ptr<Stream> make_stream() = 0;
  virtual void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) = 0;
  virtual void copy_to_host(Stream&, void* host, const void* src, size_t bytes) = 0;
  // Where profilers of this device take named ranges from; null where there are none.
  virtual ProfilerSink* profiler() { return nullptr; }

 protected:
  friend class Memory;
  // 64-byte aligned at least. Throws MemoryError naming the size.
  virtual void* allocate(size_t bytes, Contents contents) = 0;
  virtual void release(void* data) noexcept = 0;
};

// A tensor that owns its memory.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Device& device, const Shape& shape, DType dtype)
      : shape_(shape),
        dtype_(dtype),
        memory_(device, static_cast<size_t>(shape.elements()) * dtype_bytes(dtype)) {}

  TensorView view() const { return {memory_.data(), shape_, dtype_}; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  size_t bytes() const { return memory_.bytes(); }

 private:
  Shape shape_;
  DType dtype_ = DType::kF32;
  Memory memory_;
};

}  // namespace gantry
