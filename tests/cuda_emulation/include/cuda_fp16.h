// SPDX-License-Identifier: Apache-2.0
#pragma once

// Of CUDA's header of this name, what the backend uses; __half is IEEE 754's binary16.
#include "core/half.h"

using __half = gantry::Float16;

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half x) { return x.bits; }
inline float __half2float(__half x) { return gantry::to_float(x); }
inline __half __float2half_rn(float x) { return gantry::to_float16(x); }
