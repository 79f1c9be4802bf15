// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/program.h"

namespace gantry {

// How often samples go through one convolution or dense layer (nearly all of the arithmetic) in one
// update, in passes of `batch` samples: 2 forward passes of D are one of [real; fake].
struct PassCount {
  std::string update;  // "d1"
  std::string layer;   // "d.conv2"
  double forward = 0, backward_data = 0, backward_weights = 0;
  double penalty = 0;  // of all kinds, in the penalties' own passes (docs/second-order.md)
  double flops = 0, penalty_flops = 0;

  double all() const { return forward + backward_data + backward_weights + penalty; }
};

// In the order in which updates and layers are first gone through.
std::vector<PassCount> count_passes(const Program& program, int64_t batch);

// The same as a table, with alike updates in a row named once, and per update the arithmetic and
// how much of it the penalties add.
std::string describe_passes(const Program& program, int64_t batch);

}  // namespace gantry
