// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/tensor.h"

namespace gantry {

// x = scale (x_0 + x_1 + ... ), x_r being what rank r of R holds, element by element. The sum runs
// along a balanced binary tree over the ranks, ((x_0 + x_1) + (x_2 + x_3)) + ..., whatever the
// engine and the timing: the same bytes on every rank and in every run, and the same as when one
// rank adds up the shards of several along it (train/sharded_update.h); but see fixed_order.
// In-out x, f32 or f64. Every rank must come to the same calls in the same order.
struct AllReduceDesc {
  int64_t size = 0;
  DType dtype = DType::kF32;
  double scale = 1;
  std::string what;  // for messages: "gradients of d"
  // false: an engine may add up in the order that is fastest for it; then the same bytes on every
  // rank, and in runs of the same ranks on the same machines.
  bool fixed_order = true;
};

}  // namespace gantry
