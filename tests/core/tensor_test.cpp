// SPDX-License-Identifier: Apache-2.0
#include "core/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "tests/core/host_device.h"

namespace gantry {
namespace {

TEST(Tensor, ShapesCountAndPrint) {
  const Shape s{2, 3, 4, 5};
  EXPECT_EQ(s.elements(), 120);
  EXPECT_EQ(s.per_sample(), 60);
  EXPECT_EQ(s.pixels(), 20);
  EXPECT_EQ(s.with_n(7), (Shape{7, 3, 4, 5}));
  EXPECT_EQ(to_string(s), "2x3x4x5");
  EXPECT_EQ(vector_shape(9), (Shape{1, 9, 1, 1}));
}

TEST(Tensor, DTypesHaveTheirSizes) {
  EXPECT_EQ(dtype_bytes(DType::kF64), 8u);
  EXPECT_EQ(dtype_bytes(DType::kF32), 4u);
  EXPECT_EQ(dtype_bytes(DType::kBF16), 2u);
  EXPECT_EQ(dtype_bytes(DType::kU8), 1u);
  EXPECT_STREQ(dtype_name(DType::kI64), "i64");
  EXPECT_STREQ(dtype_name(DType::kBF16), "bf16");
}

TEST(Tensor, ViewsRefuseAnotherType) {
  float data[6] = {};
  const TensorView view{data, {1, 6, 1, 1}, DType::kF32};
  EXPECT_EQ(view.bytes(), 24u);
  EXPECT_EQ(view.as<float>(), data);
  EXPECT_THROW(view.as<double>(), std::logic_error);
  EXPECT_THROW(view.as<int32_t>(), std::logic_error);
}

TEST(Tensor, OwnsZeroedAlignedMemory) {
  test::HostDevice device;
  {
    const Tensor tensor(device, {2, 3, 5, 7}, DType::kF64);
    EXPECT_EQ(tensor.bytes(), 1680u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.view().data) % 64, 0u);
    for (int64_t i = 0; i < 210; ++i) EXPECT_EQ(tensor.view().as<double>()[i], 0);
    EXPECT_EQ(device.live_allocations(), 1);
  }
  EXPECT_EQ(device.live_allocations(), 0);
}

TEST(Memory, MovesWithoutCopyOrLeak) {
  test::HostDevice device;
  {
    Memory a(device, 100), empty(device, 0);
    void* data = a.data();
    Memory b = std::move(a);
    EXPECT_EQ(b.data(), data);
    EXPECT_EQ(b.bytes(), 100u);
    EXPECT_EQ(empty.data(), nullptr);
    empty = std::move(b);
    EXPECT_EQ(empty.data(), data);
    Memory c(device, 10);
    c = std::move(empty);
    EXPECT_EQ(c.bytes(), 100u);
  }
  EXPECT_EQ(device.live_allocations(), 0);
}

TEST(Memory, RefusesWhatTheDeviceDoesNotHave) {
  test::HostDevice device;
  EXPECT_THROW(Memory(device, device.memory_bytes() + 1), MemoryError);
}

}  // namespace
}  // namespace gantry
