// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_device.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/kernels.h"

namespace gantry {
namespace {

TEST(CpuDevice, MemoryIsAlignedAndZeroEvenWhenReused) {
  CpuDevice device(2);
  for (const size_t bytes : {size_t{1}, size_t{100}, size_t{4096}, size_t{3} << 20}) {
    for (int round = 0; round < 3; ++round) {
      const Memory memory(device, bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.data()) % 64, 0u) << bytes;
      auto* data = static_cast<unsigned char*>(memory.data());
      EXPECT_EQ(std::accumulate(data, data + bytes, 0), 0) << bytes;
      std::fill(data, data + bytes, static_cast<unsigned char>(0xAB));
    }
  }
}

TEST(CpuDevice, AnImpossibleSizeIsAMemoryError) {
  CpuDevice device(1);
  EXPECT_THROW(Memory(device, size_t{1} << 60), MemoryError);
}

TEST(CpuDevice, CopiesBothWays) {
  CpuDevice device(1);
  const auto stream = device.make_stream();
  Tensor tensor(device, vector_shape(3), DType::kF32);
  const std::vector<float> in = {1, 2, 3};
  std::vector<float> out(3);
  device.copy_to_device(*stream, tensor.view().data, in.data(), tensor.bytes());
  device.copy_to_host(*stream, out.data(), tensor.view().data, tensor.bytes());
  EXPECT_EQ(in, out);
}

TEST(CpuBackend, OpensWithTheThreadsAskedFor) {
  const Backend backend = open_backend(BackendChoice::kCpu, 3);
  EXPECT_EQ(backend.name, "cpu");
  EXPECT_EQ(backend.device->name().substr(0, 16), "cpu (3 threads, ");
  EXPECT_GT(backend.device->memory_bytes(), size_t{1} << 20);
  EXPECT_EQ(backend.kernels->real(), DType::kF32);
}

}  // namespace
}  // namespace gantry
