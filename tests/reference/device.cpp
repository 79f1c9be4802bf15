// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

class ReferenceStream : public Stream {
 public:
  void synchronize() override {}
};

class ReferenceDevice : public Device {
 public:
  std::string name() const override { return "reference (double precision)"; }
  size_t memory_bytes() const override { return size_t{1} << 40; }
  std::unique_ptr<Stream> make_stream() override { return std::make_unique<ReferenceStream>(); }
  void copy_to_device(Stream&, void* dst, const void* host, size_t bytes) override {
    std::memcpy(dst, host, bytes);
  }
  void copy_to_host(Stream&, void* host, const void* src, size_t bytes) override {
    std::memcpy(host, src, bytes);
  }

 protected:
  void* allocate(size_t bytes, Contents contents) override {
    void* data = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!data) throw MemoryError(concat("cannot allocate ", bytes, " bytes"));
    if (contents == Contents::kZero) std::memset(data, 0, bytes);
    return data;
  }
  void release(void* data) noexcept override { std::free(data); }
};

}  // namespace

Backend open_reference_backend() {
  return {"reference", std::make_unique<ReferenceDevice>(), std::make_unique<ReferenceKernels>()};
}

}  // namespace gantry
