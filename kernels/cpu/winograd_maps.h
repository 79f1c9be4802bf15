// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/tile_product.h"

// The small linear maps of winograd_tiles.h, for kLanes channels at once.
namespace gantry::winograd {

template <size_t kRows, size_t kColumns>
using Matrix = std::array<std::array<float, kColumns>, kRows>;

template <size_t kRows, size_t kColumns>
constexpr Matrix<kColumns, kRows> transposed(const Matrix<kRows, kColumns>& m) {
  Matrix<kColumns, kRows> result{};
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kColumns; ++j) result[j][i] = m[i][j];
  }
  return result;
}

// Row i of B^T (kInput) holds the coefficients of the product of (t - p) over the other finite
// points p, the last row those of the product over all; row i of G (kFilter) the powers of point i
// over that product at it; column i of A^T (kOutput) the powers of point i (Cook and Toom).
template <int kTaps, int kSize>
struct Maps;

template <>
struct Maps<2, 2> {
  static constexpr Matrix<3, 3> kInput = {{{1, -1, 0}, {0, 1, 0}, {0, -1, 1}}};
  static constexpr Matrix<3, 2> kFilter = {{{1, 0}, {1, 1}, {0, 1}}};
  static constexpr Matrix<2, 3> kOutput = {{{1, 1, 0}, {0, 1, 1}}};
};

inline constexpr Matrix<4, 4> kInputOfFour = {
    {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}}};

template <>
struct Maps<2, 3> {
  static constexpr Matrix<4, 4> kInput = kInputOfFour;
  static constexpr Matrix<4, 2> kFilter = {{{1, 0}, {0.5f, 0.5f}, {0.5f, -0.5f}, {0, 1}}};
  static constexpr Matrix<3, 4> kOutput = {{{1, 1, 1, 0}, {0, 1, -1, 0}, {0, 1, 1, 1}}};
};

template <>
struct Maps<3, 2> {
  static constexpr Matrix<4, 4> kInput = kInputOfFour;
  static constexpr Matrix<4, 3> kFilter = {
      {{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}}};
  static constexpr Matrix<2, 4> kOutput = {{{1, 1, 1, 0}, {0, 1, -1, 1}}};
};

template <int kTaps, int kSize>
struct Adjoints {
  static constexpr auto kInput = transposed(Maps<kTaps, kSize>::kInput);
  static constexpr auto kFilter = transposed(Maps<kTaps, kSize>::kFilter);
  static constexpr auto kOutput = transposed(Maps<kTaps, kSize>::kOutput);
};

inline constexpr int64_t kLanes = TileProduct::kPanel;  // channels at a time: a cache line
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

inline void load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof(to)); }
inline void store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof(from)); }

// out = D in A^T, all loops unrolled: products with 0 and 1 cost nothing.
template <const auto& kD, const auto& kA>
[[gnu::always_inline]] inline void both_sides(const Lanes* in, Lanes* out) {
  constexpr int kRows = static_cast<int>(kD.size()), kInRows = static_cast<int>(kD[0].size());
  constexpr int kColumns = static_cast<int>(kA.size()), kInColumns = static_cast<int>(kA[0].size());
  Lanes half[kRows * kInColumns];
#pragma GCC unroll 4
  for (int j = 0; j < kInColumns; ++j) {
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      Lanes sum{};
#pragma GCC unroll 4
      for (int k = 0; k < kInRows; ++k) {
        if (kD[i][k] != 0) sum += kD[i][k] * in[k * kInColumns + j];
      }
      half[i * kInColumns + j] = sum;
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; ++j) {
      Lanes sum{};
#pragma GCC unroll 4
      for (int k = 0; k < kInColumns; ++k) {
        if (kA[j][k] != 0) sum += kA[j][k] * half[i * kInColumns + k];
      }
      out[i * kColumns + j] = sum;
    }
  }
}

// Elements of a tile that lie outside count as zero.
template <int kCount, typename Window>
inline void load_window(const float* from, const Window& window, Lanes* to) {
  for (int e = 0; e < kCount; ++e) {
    if (window[e] >= 0) {
      load(from + window[e], to[e]);
    } else {
      to[e] = Lanes{};
    }
  }
}

// One row segment of each of kPlanes.
template <int kPlanes>
inline void load_planes(const float* from, int64_t plane, Lanes* to) {
  for (int f = 0; f < kPlanes; ++f) load(from + f * plane, to[f]);
}
template <int kPlanes>
inline void store_planes(const Lanes* from, int64_t plane, float* to) {
  for (int f = 0; f < kPlanes; ++f) store(from[f], to + f * plane);
}

}  // namespace gantry::winograd
