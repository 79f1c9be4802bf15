// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gantry {

// fp32: everything. tf32: convolutions and matrix products round their factors to 10 bits of
// mantissa and add up in f32, on a GPU's tensor cores; all else is f32.
enum class Precision : uint8_t { kFp32, kTf32 };
inline constexpr const char* kPrecisions[] = {"fp32", "tf32"};

// What a backend may give up for speed.
struct ComputeOptions {
  Precision precision = Precision::kFp32;
  // false: also ways of which two runs differ by roundings, as sums go in the order in which a
  // GPU's blocks happen to run.
  bool deterministic = true;
};

}  // namespace gantry
