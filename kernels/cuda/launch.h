// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/cuda_device.h"

namespace gantry::cuda {

struct LaunchShape {
  dim3 grid;
  unsigned block = 0;       // threads, a multiple of 32
  size_t shared_bytes = 0;  // beyond the kernel's GANTRY_SHARED_ARRAYs
};

inline constexpr unsigned kBlock = 256;  // threads, where nothing speaks for another number

// Queues kernel(args...) on the stream. Throws DeviceError naming the kernel.
template <typename... Params>
void launch(void (*kernel)(Params...), const LaunchShape& shape, Stream& stream,
            const std::type_identity_t<Params>&... args) {
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = dim3(shape.block);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream_handle(stream);
  const cudaError_t status = cudaLaunchKernelEx(&config, kernel, args...);
  if (status != cudaSuccess) launch_failed(status, reinterpret_cast<const void*>(kernel));
}

// Blocks of kBlock threads such that each of `items` items has a thread; a grid-stride loop takes
// the rest where there are more than a grid may have.
inline LaunchShape one_thread_each(int64_t items) {
  constexpr int64_t kMost = int64_t{1} << 30;
  const int64_t blocks = (items + kBlock - 1) / kBlock;
  return {dim3(static_cast<unsigned>(blocks < kMost ? blocks : kMost)), kBlock, 0};
}

}  // namespace gantry::cuda
