// SPDX-License-Identifier: Apache-2.0
#pragma once

// CUDA's names, of the subset that the backend uses; see cuda_runtime.h beside this file.
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
