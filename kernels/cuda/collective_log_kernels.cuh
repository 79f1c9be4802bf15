// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/collective_log.h"
#include "kernels/cuda/device.cuh"

// Nanoseconds of a clock that all of a GPU share.
#ifndef GANTRY_NANOSECONDS
#define GANTRY_NANOSECONDS() ::gantry::cuda::nanoseconds()
namespace gantry::cuda {
__device__ __forceinline__ int64_t nanoseconds() {
  int64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}
}  // namespace gantry::cuda
#endif

namespace gantry::cuda {

// The notes lie in the host's memory. What is counted is written last, so that the host never sees
// a number whose note is not there.
__global__ void note_clock_kernel(volatile CollectiveNotes* notes) {
  if (threadIdx.x == 0) notes->now_ns = GANTRY_NANOSECONDS();
}

__global__ void note_begin_kernel(volatile CollectiveNotes* notes, volatile CollectiveNote* last,
                                  int64_t operation) {
  if (threadIdx.x != 0) return;
  const int64_t number = notes->begun + 1;
  volatile CollectiveNote& note =
      last[(number - 1) % static_cast<int64_t>(CollectiveHistory::kKept)];
  note.number = number;
  note.operation = operation;
  note.begun_ns = GANTRY_NANOSECONDS();
  note.ended_ns = 0;
  __threadfence_system();
  notes->begun = number;
}

__global__ void note_end_kernel(volatile CollectiveNotes* notes, volatile CollectiveNote* last) {
  if (threadIdx.x != 0) return;
  const int64_t number = notes->begun;
  last[(number - 1) % static_cast<int64_t>(CollectiveHistory::kKept)].ended_ns =
      GANTRY_NANOSECONDS();
  __threadfence_system();
  notes->ended = number;
}

}  // namespace gantry::cuda
