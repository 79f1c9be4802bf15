// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/device.h"
#include "kernels/ops/all_reduce.h"

namespace gantry::cuda {

// out[i] = scale (part_0[i] + part_1[i] + ...) for i < count, in device memory: the arithmetic of
// kernels/ops/all_reduce.h, bit for bit that of the engines on the host. Part r begins r * stride
// elements after `parts`; `out` may be the first of them where there is no other.
struct RankParts {
  const void* parts = nullptr;
  int64_t stride = 0;
  int ranks = 1;
};
void add_ranks(Stream& stream, const AllReduceDesc& desc, void* out, const RankParts& parts,
               int64_t count);

}  // namespace gantry::cuda
