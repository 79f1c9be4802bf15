// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/tile_product.h"

// The small linear maps of winograd_tiles.h, for kLanes channels at once.
namespace gantry::winograd {

inline constexpr int kSide = 5;  // of a tile in the transformed domain

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

// Row i of B^T holds the coefficients of the product of (t - p) over the other finite points p, the
// last row those of the product over all; row i of G the powers of point i over that product at it;
// column i of A^T the powers of point i (Cook and Toom).
inline constexpr Matrix<kSide, kSide> kInput = {{{1, 1.5f, -1.5f, -1, 0},
                                                 {0, 1, 2.5f, 1, 0},
                                                 {0, -0.5f, -0.5f, 1, 0},
                                                 {0, -2, 1, 1, 0},
                                                 {0, -1, -1.5f, 1.5f, 1}}};
inline constexpr Matrix<kSide, kSide> kInputAdjoint = transposed(kInput);

inline constexpr float kNinth = 1.0f / 9;

template <int kTaps>
struct Maps;

template <>
struct Maps<2> {
  static constexpr Matrix<4, kSide> kOutput = {
      {{1, 1, 1, 1, 0}, {0, 1, -2, -0.5f, 0}, {0, 1, 4, 0.25f, 0}, {0, 1, -8, -0.125f, 1}}};
  static constexpr Matrix<kSide, 2> kFilter = {
      {{1, 0}, {kNinth * 2, kNinth * 2}, {-kNinth, kNinth * 2}, {kNinth * 8, kNinth * -4}, {0, 1}}};
};

template <>
struct Maps<3> {
  static constexpr Matrix<3, kSide> kOutput = {
      {{1, 1, 1, 1, 0}, {0, 1, -2, -0.5f, 0}, {0, 1, 4, 0.25f, 1}}};
  static constexpr Matrix<kSide, 3> kFilter = {{{1, 0, 0},
                                                {kNinth * 2, kNinth * 2, kNinth * 2},
                                                {-kNinth, kNinth * 2, kNinth * -4},
                                                {kNinth * 8, kNinth * -4, kNinth * 2},
                                                {0, 0, 1}}};
};

template <int kTaps>
struct Adjoints {
  static constexpr auto kOutput = transposed(Maps<kTaps>::kOutput);
  static constexpr auto kFilter = transposed(Maps<kTaps>::kFilter);
};

inline constexpr int64_t kLanes = TileProduct::kPanel;  // channels at a time: a cache line
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

inline void load(const float* from, Lanes& to) { std::memcpy(&to, from, sizeof(to)); }
inline void store(const Lanes& from, float* to) { std::memcpy(to, &from, sizeof(from)); }

// out = M in M^T, all loops unrolled: products with 0 and 1 cost nothing.
template <const auto& kM>
[[gnu::always_inline]] inline void both_sides(const Lanes* in, Lanes* out) {
  constexpr int kTo = static_cast<int>(kM.size()), kFrom = static_cast<int>(kM[0].size());
  Lanes half[kTo * kFrom];
#pragma GCC unroll 5
  for (int j = 0; j < kFrom; ++j) {
#pragma GCC unroll 5
    for (int i = 0; i < kTo; ++i) {
      Lanes sum{};
#pragma GCC unroll 5
      for (int k = 0; k < kFrom; ++k) {
        if (kM[i][k] != 0) sum += kM[i][k] * in[k * kFrom + j];
      }
      half[i * kFrom + j] = sum;
    }
  }
#pragma GCC unroll 5
  for (int i = 0; i < kTo; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < kTo; ++j) {
      Lanes sum{};
#pragma GCC unroll 5
      for (int k = 0; k < kFrom; ++k) {
        if (kM[j][k] != 0) sum += kM[j][k] * half[i * kFrom + k];
      }
      out[i * kTo + j] = sum;
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

// One row segment of every plane.
inline void load_planes(const float* from, int64_t plane, Lanes* to) {
  for (int f = 0; f < kSide * kSide; ++f) load(from + f * plane, to[f]);
}
inline void store_planes(const Lanes* from, int64_t plane, float* to) {
  for (int f = 0; f < kSide * kSide; ++f) store(from[f], to + f * plane);
}

}  // namespace gantry::winograd
