// SPDX-License-Identifier: Apache-2.0
#include "core/device.h"

#include <utility>

namespace gantry {

Memory::Memory(Device& device, size_t bytes)
    : device_(&device), data_(bytes ? device.allocate(bytes) : nullptr), bytes_(bytes) {}

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
