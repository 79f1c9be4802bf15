// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace gantry {

// fp32: everything. tf32: convolutions and matrix products round their factors to 10 bits of
// mantissa and add up in f32, on a GPU's tensor cores; all else is f32. bf16, fp16: activations
// inside networks, their gradients and copies of the weights have 16 bits; all else is f32.
enum class Precision : uint8_t { kFp32, kTf32, kBf16, kFp16 };
inline constexpr const char* kPrecisions[] = {"fp32", "tf32", "bf16", "fp16"};

// The type of the tensors that are kept narrow.
inline DType narrow_type(Precision precision) {
  if (precision == Precision::kBf16) return DType::kBF16;
  return precision == Precision::kFp16 ? DType::kF16 : DType::kF32;
}

// What a backend may give up for speed.
struct ComputeOptions {
  Precision precision = Precision::kFp32;
  // false: also ways of which two runs differ by roundings, as sums go in the order in which a
  // GPU's blocks happen to run.
  bool deterministic = true;
};

}  // namespace gantry
