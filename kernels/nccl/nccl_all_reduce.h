// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernels/nccl/nccl_link.h"

namespace gantry {

// The all-reduce of kernels/ops/all_reduce.h over N GPUs. In any order: NCCL's own, in place. Along
// the fixed tree, which NCCL does not promise, sums are our own:
//   small (kSmallSum): every rank gathers all operands and adds them up; scratch N x
//   else: each rank receives one piece of every operand, adds these up, and sends the sum to all;
//   scratch about x; sent and received 2 (N - 1) / N x, as in a ring
std::shared_ptr<Kernel> make_nccl_all_reduce(std::shared_ptr<NcclLink> link, int rank, int size,
                                             const AllReduceDesc& desc);

}  // namespace gantry
