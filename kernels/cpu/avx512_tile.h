// SPDX-License-Identifier: Apache-2.0
#pragma once

// The register tile that every own AVX-512 matrix product is made of, and the packing of its right
// factor. For inclusion by kernels/cpu/*.cpp only; call nothing here unless avx512_tile_usable().
#pragma GCC diagnostic push
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the deliberately undefined vectors of its own header for mistakes.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

#define GANTRY_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,fma")))

namespace gantry::avx512 {

inline bool usable() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

constexpr int kRows = 12;        // of a tile: 12 x 2 vectors of sums, 2 of b, 1 of a: 27 registers
constexpr int kPanel = 32;       // columns of a tile
constexpr int64_t kDepth = 256;  // products summed per visit: b's panel (32 KB) stays in L1
constexpr int64_t kStride = kDepth + 16;  // of a's rows; not a power of two, for the caches' sake

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What happens to a finished row segment: c = f(c + b).
struct Finish {
  const float* bias = nullptr;  // of the panel's first column
  float slope = 1;              // of negative values
};

struct TileTarget {
  float* const* rows;    // where each row's first column of the panel is
  int64_t column;        // of the panel
  int count;             // rows that exist
  int width;             // columns that exist
  bool add;              // to what is there
  const Finish* finish;  // null: more products are to come
};

GANTRY_AVX512 inline __mmask16 lanes(int count) {
  return count >= 16 ? __mmask16(0xFFFF) : count <= 0 ? __mmask16(0) : __mmask16((1u << count) - 1);
}

template <int kVectors>
[[gnu::always_inline]] GANTRY_AVX512 inline void store_row(const __m512 (&sum)[kVectors], float* to,
                                                           const TileTarget& t) {
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const __mmask16 mask = lanes(t.width - 16 * v);
    __m512 value = sum[v];
    if (t.add) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to + 16 * v));
    if (t.finish) {
      if (t.finish->bias) {
        value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, t.finish->bias + 16 * v));
      }
      const __mmask16 below = _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ);
      value = _mm512_mask_mul_ps(value, below, value, _mm512_set1_ps(t.finish->slope));
    }
    _mm512_mask_storeu_ps(to + 16 * v, mask, value);
  }
}

// The target is read only after all the products: by then it has come.
GANTRY_AVX512 inline void prefetch_target(const TileTarget& t) {
  for (int r = 0; r < t.count; ++r) {
    const float* to = t.rows[r] + t.column;
    _mm_prefetch(reinterpret_cast<const char*>(to), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(to + t.width - 1), _MM_HINT_T0);
  }
}

// sum[r][.] = sum over k of a[r, k] b[k, .], a[r, k] at a[r kRowStep + k kDepthStep], b packed with
// kPanel columns; then the rows that exist go to their targets.
template <int kVectors, int64_t kRowStep, int64_t kDepthStep>
GANTRY_AVX512 void multiply_tile(const float* a, const float* b, int64_t depth,
                                 const TileTarget& target) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  if (target.add) prefetch_target(target);
#pragma GCC unroll 2
  for (int64_t k = 0; k < depth; ++k) {
    __m512 right[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) right[v] = _mm512_loadu_ps(b + 16 * v);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const __m512 left = _mm512_set1_ps(a[r * kRowStep]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_fmadd_ps(left, right[v], sum[r][v]);
    }
    a += kDepthStep;
    b += kPanel;
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    if (r < target.count) store_row<kVectors>(sum[r], target.rows[r] + target.column, target);
  }
}

template <int64_t kRowStep, int64_t kDepthStep>
inline void multiply(const float* a, const float* b, int64_t depth, const TileTarget& target) {
  if (target.width > 16) {
    multiply_tile<2, kRowStep, kDepthStep>(a, b, depth, target);
  } else {
    multiply_tile<1, kRowStep, kDepthStep>(a, b, depth, target);
  }
}

// Transposes 16 x 16: to[i * to_step + j] = from[j * from_step + i].
GANTRY_AVX512 inline void transpose16(const float* from, int64_t from_step, float* to,
                                      int64_t to_step) {
  __m512 a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_ps(from + i * from_step);
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512d p = _mm512_castps_pd(b[i]), q = _mm512_castps_pd(b[i + 1]);
    const __m512d r = _mm512_castps_pd(b[i + 2]), s = _mm512_castps_pd(b[i + 3]);
    a[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(p, r));
    a[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(p, r));
    a[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(q, s));
    a[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(q, s));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 even_low = _mm512_shuffle_f32x4(a[i], a[i + 4], 0x88);
    const __m512 odd_low = _mm512_shuffle_f32x4(a[i], a[i + 4], 0xDD);
    const __m512 even_high = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0x88);
    const __m512 odd_high = _mm512_shuffle_f32x4(a[i + 8], a[i + 12], 0xDD);
    _mm512_storeu_ps(to + i * to_step, _mm512_shuffle_f32x4(even_low, even_high, 0x88));
    _mm512_storeu_ps(to + (i + 4) * to_step, _mm512_shuffle_f32x4(odd_low, odd_high, 0x88));
    _mm512_storeu_ps(to + (i + 8) * to_step, _mm512_shuffle_f32x4(even_low, even_high, 0xDD));
    _mm512_storeu_ps(to + (i + 12) * to_step, _mm512_shuffle_f32x4(odd_low, odd_high, 0xDD));
  }
}

}  // namespace gantry::avx512
