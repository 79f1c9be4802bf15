// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/tile_product.h"

#include <immintrin.h>

#include <algorithm>

#include "kernels/cpu/parallel.h"

#define GANTRY_AVX2 __attribute__((target("avx2,fma")))

namespace gantry {
namespace {

constexpr int kTileRows = 6;        // 6 x 2 vectors of sums, 2 of b, 1 of a: 15 registers
constexpr int64_t kBlockRows = 96;  // of a task: a's rows stay in L2
// Sums of a visit begin at zero: a long sum is then of short ones, and errs less.
constexpr int64_t kVisitDepth = 32;

// c[r, 0 .. 16) of kRows rows.
template <int kRows>
GANTRY_AVX2 void multiply_rows(const float* a, int64_t a_row, int64_t a_depth, const float* b,
                               int64_t depth, float* c, int64_t c_row, bool add) {
  __m256 sum[kRows][2];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    sum[r][0] = sum[r][1] = _mm256_setzero_ps();
  }
  for (int64_t k = 0; k < depth; ++k) {
    const __m256 low = _mm256_loadu_ps(b), high = _mm256_loadu_ps(b + 8);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const __m256 left = _mm256_broadcast_ss(a + r * a_row);
      sum[r][0] = _mm256_fmadd_ps(left, low, sum[r][0]);
      sum[r][1] = _mm256_fmadd_ps(left, high, sum[r][1]);
    }
    a += a_depth;
    b += TileProduct::kPanel;
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
    float* to = c + r * c_row;
    if (add) {
      sum[r][0] = _mm256_add_ps(sum[r][0], _mm256_loadu_ps(to));
      sum[r][1] = _mm256_add_ps(sum[r][1], _mm256_loadu_ps(to + 8));
    }
    _mm256_storeu_ps(to, sum[r][0]);
    _mm256_storeu_ps(to + 8, sum[r][1]);
  }
}

using MultiplyRows = decltype(&multiply_rows<1>);
constexpr MultiplyRows kMultiplyRows[] = {multiply_rows<1>, multiply_rows<2>, multiply_rows<3>,
                                          multiply_rows<4>, multiply_rows<5>, multiply_rows<6>};

}  // namespace

bool TileProduct::usable() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

void TileProduct::run(int threads, const float* a, const float* b, float* c) const {
  const cpu::Pieces blocks{rows, kBlockRows};
  cpu::parallel_for(threads, planes * blocks.count(), [&](int64_t task) {
    const int64_t plane = task / blocks.count(), block = task % blocks.count();
    run_block(a + plane * a_plane, b + plane * b_plane, c + plane * c_plane, blocks.begin(block),
              blocks.end(block));
  });
}

void TileProduct::run_block(const float* a, const float* b, float* c, int64_t first,
                            int64_t last) const {
  for (int64_t k = 0; k < depth; k += kVisitDepth) {
    const int64_t length = std::min(kVisitDepth, depth - k);
    for (int64_t column = 0; column < columns; column += kPanel) {
      const float* panel = b + column * depth + k * kPanel;
      for (int64_t row = first; row < last; row += kTileRows) {
        const int64_t count = std::min<int64_t>(kTileRows, last - row);
        kMultiplyRows[count - 1](a + row * a_row + k * a_depth, a_row, a_depth, panel, length,
                                 c + row * columns + column, columns, add || k > 0);
      }
    }
  }
}

}  // namespace gantry
