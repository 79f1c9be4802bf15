// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "core/device.h"

namespace gantry::test {

// Plain host memory, for tests of core, which knows no backend.
class HostDevice : public Device {
 public:
  std::string name() const override { return "host"; }
  size_t memory_bytes() const override { return size_t{1} << 30; }
  std::unique_ptr<Stream> make_stream() override { return std::make_unique<HostStream>(); }
  void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) override {
    std::memcpy(dst, host, bytes);
  }
  void copy_to_host(Stream&, void* host, const void* src, size_t bytes) override {
    std::memcpy(host, src, bytes);
  }
  int live_allocations() const { return live_; }

 protected:
  void* allocate(size_t bytes, Contents contents) override {
    if (bytes > memory_bytes()) throw MemoryError(concat("cannot allocate ", bytes, " bytes"));
    void* data = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (contents == Contents::kZero) std::memset(data, 0, bytes);
    ++live_;
    return data;
  }
  void release(void* data) noexcept override {
    std::free(data);
    --live_;
  }

 private:
  class HostStream : public Stream {
   public:
    void synchronize() override {}
  };
  int live_ = 0;
};

}  // namespace gantry::test
