// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace gantry::cpu {

// exp and its relatives in f32 as straight-line code that the compiler vectorises; the C library's
// are calls. Errors are at most 3 units in the last place (tests/kernels/cpu_loops_test.cpp).
// NaN in, NaN out.
struct VectorMath {
  static float exp(float x) {
    // 2^n leaves the exponent field at both ends of the range, so it is applied in two factors.
    const Reduced a = reduce(clamped(x, -104.0f, 89.0f));
    const int32_t half = a.n >> 1;
    return (1 + a.r * tail(a.r)) * power(half) * power(a.n - half);
  }

  static float expm1(float x) {
    const Reduced a = reduce(clamped(x, -30.0f, 88.3f));
    const float scale = power(a.n);
    return scale * (a.r * tail(a.r)) + (scale - 1);
  }

  // For 0 <= x <= 1: 2 atanh(x / (2 + x)).
  static float log1p(float x) {
    const float s = x / (2 + x), q = s * s;
    float p = 1.0f / 15;
    p = p * q + 1.0f / 13;
    p = p * q + 1.0f / 11;
    p = p * q + 1.0f / 9;
    p = p * q + 1.0f / 7;
    p = p * q + 1.0f / 5;
    p = p * q + 1.0f / 3;
    return 2 * (s + s * q * p);
  }

  static float tanh(float x) {
    const float e = expm1(2 * clamped(std::fabs(x), 0.0f, 10.0f));
    return std::copysign(e / (e + 2), x);
  }

 private:
  struct Reduced {
    float r;  // x - n ln 2, |r| <= ln 2 / 2
    int32_t n;
  };

  static float clamped(float x, float low, float high) {
    x = x < low ? low : x;
    return x > high ? high : x;
  }

  static Reduced reduce(float x) {
    constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    const float shifted = x * 1.44269504f + kRounder;
    const float n = shifted - kRounder;
    // ln 2 in two parts, the first with zeros enough for n * first to be exact.
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    return {r, std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRounder)};
  }

  static float power(int32_t n) { return std::bit_cast<float>((n + 127) << 23); }

  // (exp(r) - 1) / r by its Taylor series: 5e-9 off at |r| = ln 2 / 2.
  static float tail(float r) {
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    return p * r + 1;
  }
};

}  // namespace gantry::cpu
