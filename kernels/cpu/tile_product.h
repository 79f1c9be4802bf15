// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// c = a b, or with `add` c += a b: `planes` products of small matrices, each rows x columns over
// `depth`, on AVX2. Planes of a factor lie `*_plane` floats apart.
//   a[i, k] at a[i a_row + k a_depth]
//   b in panels of 16 columns: b[k, j] at b[(j / 16) 16 depth + 16 k + j % 16]
//   c row-major; columns in multiples of 16.
struct TileProduct {
  int64_t planes, rows, columns, depth;
  int64_t a_row, a_depth, a_plane, b_plane, c_plane;
  bool add = false;

  static constexpr int64_t kPanel = 16;
  static bool usable();  // by this processor

  // No result depends on the number of threads.
  void run(int threads, const float* a, const float* b, float* c) const;

 private:
  void run_block(const float* a, const float* b, float* c, int64_t first, int64_t last) const;
};

}  // namespace gantry
