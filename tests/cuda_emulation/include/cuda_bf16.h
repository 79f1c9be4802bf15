// SPDX-License-Identifier: Apache-2.0
#pragma once

// Of CUDA's header of this name, what the backend uses.
#include "core/half.h"

using __nv_bfloat16 = gantry::BFloat16;

inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return {bits}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.bits; }
inline float __bfloat162float(__nv_bfloat16 x) { return gantry::to_float(x); }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return gantry::to_bfloat16(x); }
