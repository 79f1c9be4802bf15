// SPDX-License-Identifier: Apache-2.0
#include "core/device.h"

#include <chrono>
#include <utility>
#include <vector>

namespace gantry {
namespace {

class HostMarks : public StreamMarks {
 public:
  explicit HostMarks(size_t count) : times_(count) {}
  void set(size_t index) override { times_[index] = Clock::now(); }
  double seconds(size_t from, size_t to) const override {
    return std::chrono::duration<double>(times_[to] - times_[from]).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> times_;
};

}  // namespace

std::unique_ptr<StreamMarks> Stream::make_marks(size_t count) {
  return std::make_unique<HostMarks>(count);
}

Memory::Memory(Device& device, size_t bytes, Contents contents)
    : device_(&device), data_(bytes ? device.allocate(bytes, contents) : nullptr), bytes_(bytes) {}

Memory::~Memory() {
  if (data_) device_->release(data_);
}

Memory::Memory(Memory&& other) noexcept
    : device_(other.device_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace gantry
