// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cuda/map.h"
#include "kernels/cuda/reduce_kernels.cuh"

namespace gantry::cuda {

// How many blocks share a reduction over `items`: a function of the size alone, so that the same
// sums are formed on every device. 512 blocks of 256 threads are all resident at once on the GPUs
// that this is built for.
inline unsigned reduction_blocks(int64_t items, int64_t items_per_thread = 16) {
  constexpr int64_t kMost = 512;
  const int64_t per_block = int64_t{kBlock} * items_per_thread;
  const int64_t blocks = (items + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < 1 ? 1 : blocks < kMost ? blocks : kMost);
}

// Scratch memory of a reduction to `totals` numbers.
inline size_t reduction_bytes(unsigned blocks, size_t totals) {
  return blocks > 1 ? blocks * totals * sizeof(double) : 0;
}

// finish(totals) of what stands in `partial`: for each total, `count` numbers.
template <typename Join, int kTotals, typename Finish>
void launch_join_all(Stream& stream, const double* partial, unsigned count, const Finish& finish) {
  launch(join_partial_kernel<Join, kTotals, Finish>, {dim3(1), kBlock, 0}, stream, partial,
         static_cast<int>(count), finish);
}

// The second half of a reduction, if it is one by more than one block.
template <typename Join, int kTotals, typename Finish>
void launch_join(Stream& stream, const double* partial, unsigned blocks, const Finish& finish) {
  if (blocks > 1) launch_join_all<Join, kTotals>(stream, partial, blocks, finish);
}

// f(i, x_i, y_i, total) for every element, then finish(totals); see map_reduce_kernel. partial:
// reduction_bytes(reduction_blocks(size), kTotals).
template <int kOut, int kIn, typename Join, int kTotals, typename F, typename Finish>
void launch_map_reduce(Stream& stream, const Arrays<float, kOut>& outputs,
                       const Arrays<const float, kIn>& inputs, int64_t size, const F& f,
                       double* partial, const Finish& finish) {
  const unsigned blocks = reduction_blocks(size);
  const LaunchShape shape{dim3(blocks), kBlock, 0};
  if (aligned(outputs) && aligned(inputs)) {
    launch(map_reduce_kernel<kMapWidth, kOut, kIn, Join, kTotals, F, Finish>, shape, stream,
           outputs, inputs, size, f, partial, finish);
  } else {
    launch(map_reduce_kernel<1, kOut, kIn, Join, kTotals, F, Finish>, shape, stream, outputs,
           inputs, size, f, partial, finish);
  }
  launch_join<Join, kTotals>(stream, partial, blocks, finish);
}

}  // namespace gantry::cuda
