// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_emulation/planted_defects.h"

#include "kernels/cuda/device.cuh"
#include "kernels/cuda/launch.h"

namespace gantry::emulation {
namespace {

using cuda::kAllLanes;

volatile float on_the_host = 1;  // so that it is read at all

// data[0 .. 255] = 1 + 2 + ... + 256, by 4 blocks of 64 threads; each block adds all numbers up.
__global__ void planted_kernel(Planted defect, float* data) {
  GANTRY_SHARED_ARRAY(float, partial, 2);
  const unsigned thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  if (defect == Planted::kMissingBarrier) {
    if (thread == 0) partial[0] = partial[1] = 0;
    __syncthreads();
  }
  float sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<float>(1 + thread + 64 * i);
  if (defect == Planted::kShuffleInBranch && lane < 16) sum += __shfl_xor_sync(kAllLanes, sum, 1);
  if (defect == Planted::kShuffleFromOutside && lane < 16) sum += __shfl_xor_sync(0xffffu, sum, 16);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  if (lane == 0 && !(defect == Planted::kUnwrittenShared && warp == 1)) partial[warp] = sum;
  if (defect == Planted::kSharedPastEnd && thread == 0) partial[2] = 1;
  if (defect == Planted::kBarrierInBranch && thread == 40) return;
  if (defect == Planted::kDifferentBarriers && warp == 1) {
    __syncthreads();
  } else if (defect != Planted::kMissingBarrier) {
    __syncthreads();
  }
  const unsigned place = blockIdx.x * 64 + thread;
  data[place] = partial[0] + partial[1];
  if (defect == Planted::kGlobalPastEnd && place == 255) data[1024] = 1;
  if (defect == Planted::kHostMemory) data[place] = on_the_host;
  if (defect == Planted::kMisaligned) cuda::store<4>(data + 257, cuda::Pack<float, 4>{});
  if (defect == Planted::kTwoBlocksOneWord && thread == 0) data[256] = sum;
  if (defect == Planted::kReadByOtherBlock && blockIdx.x == 1) data[place] += data[0];
  if (defect == Planted::kUnwrittenGlobal) data[place] += data[512 + place];
  // A byte each, four to a word.
  auto* bytes = reinterpret_cast<uint8_t*>(data + 320);
  bytes[place] = 1;
  if (defect == Planted::kTwoThreadsOneByte && thread == 7) bytes[place - 1] = 2;
  if (defect == Planted::kByteOfAWord && place == 7) data[320] = 0;
}

}  // namespace

void run_planted(Planted defect, Stream& stream, float* data) {
  cuda::launch(planted_kernel, {dim3(4), 64, 0}, stream, defect, data);
}

}  // namespace gantry::emulation
