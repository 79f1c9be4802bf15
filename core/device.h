// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/tensor.h"

namespace gantry {

// An ordered queue of work on one device. Owns the library handles that running a kernel needs.
class Stream {
 public:
  virtual ~Stream() = default;
  // Blocks the host until everything queued so far has run. Errors of queued work surface here.
  virtual void synchronize() = 0;

 protected:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
};

class Device;

// Owns one allocation on a device. Movable, never copied; zero-filled when made.
class Memory {
 public:
  Memory() = default;
  Memory(Device& device, size_t bytes);
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
  virtual size_t memory_bytes() const = 0;  // installed; what a plan is checked against
  virtual std::unique_ptr<Stream> make_stream() = 0;
  virtual void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) = 0;
  virtual void copy_to_host(Stream&, void* host, const void* src, size_t bytes) = 0;

 protected:
  friend class Memory;
  // 64-byte aligned at least, zero-filled. Throws MemoryError naming the size.
  virtual void* allocate(size_t bytes) = 0;
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
