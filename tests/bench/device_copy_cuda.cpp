// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_device.h"
#include "tests/bench/device_copy.h"

namespace gantry {

void copy_on_device(Stream& stream, void* to, const void* from, size_t bytes) {
  cuda::check(
      cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cuda::stream_handle(stream)),
      "cudaMemcpyAsync on the device");
}

}  // namespace gantry
