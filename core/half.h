// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "core/tensor.h"

namespace gantry {

// Numbers of 16 bits as they lie in memory; nothing is computed in them. BFloat16: the upper half
// of an f32, 8 bits of precision. Float16: IEEE 754 binary16, 11 bits, up to 65504, normal from
// 2^-14. Conversions from f32 round to the nearest, ties to even; what is too large becomes
// infinite.
struct BFloat16 {
  uint16_t bits;
};
struct Float16 {
  uint16_t bits;
};

template <>
struct DTypeOf<BFloat16> {
  static constexpr DType kValue = DType::kBF16;
};
template <>
struct DTypeOf<Float16> {
  static constexpr DType kValue = DType::kF16;
};

inline float to_float(BFloat16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }

inline float to_float(Float16 x) {
  const uint32_t sign = (x.bits & 0x8000u) << 16, rest = x.bits & 0x7fffu;
  if (rest >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  // As an f32 with the exponent of an f16, which a product with a power of two puts right; it is
  // exact for denormal numbers, too.
  const float scaled = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(scaled));
}

inline BFloat16 to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {0x7fff};  // NaN
  return {static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

inline Float16 to_float16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x), sign = bits >> 16 & 0x8000u;
  uint32_t size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return {0x7fff};  // NaN
  if (size < 0x38800000u) {
    // Below 2^-14: adding 0.5 leaves the multiple of 2^-24 in the last bits, rounded.
    const float sum = std::bit_cast<float>(size) + 0.5f;
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - 0x3f000000u))};
  }
  size += 0xfffu + (size >> 13 & 1u);
  if (size >= 0x47800000u) size = 0x47800000u;
  return {static_cast<uint16_t>(sign | (size - 0x38000000u) >> 13)};
}

}  // namespace gantry
