// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "core/half.h"

// What device code is written with. Device code (<op>_kernels.cuh) and the code that launches it
// (<op>.cu) are compiled by nvcc for the GPU, and by the host compiler for tests/cuda_emulation,
// which has headers of the same names. So: no <<<>>> (see launch.h), shared memory as below,
// threads of a warp talk by shuffles alone, and nothing but the subset of CUDA that the emulation
// knows.

// type name[length] in the shared memory of the block. Every thread of the block must get here.
#ifndef GANTRY_SHARED_ARRAY
#define GANTRY_SHARED_ARRAY(type, name, length) __shared__ type name[length]
#endif
// A statement that the emulation checks; on the GPU a misaligned access is an error by itself.
#ifndef GANTRY_ALIGNED
#define GANTRY_ALIGNED(p, bytes)
#endif

namespace gantry::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

// kWidth elements that are loaded and stored by one instruction.
template <typename T, int kWidth>
struct alignas(sizeof(T) * kWidth) Pack {
  T v[kWidth];
};

// p must be aligned to the pack.
template <int kWidth, typename T>
__device__ __forceinline__ Pack<T, kWidth> load(const T* p) {
  GANTRY_ALIGNED(p, sizeof(Pack<T, kWidth>));
  return *reinterpret_cast<const Pack<T, kWidth>*>(p);
}
template <int kWidth, typename T>
__device__ __forceinline__ void store(T* p, const Pack<T, kWidth>& pack) {
  GANTRY_ALIGNED(p, sizeof(pack));
  *reinterpret_cast<Pack<T, kWidth>*>(p) = pack;
}

// Numbers of 16 bits are f32 in registers: they are converted where they are loaded and stored.
__device__ __forceinline__ float widened(float x) { return x; }
__device__ __forceinline__ float widened(BFloat16 x) {
  return __bfloat162float(__ushort_as_bfloat16(x.bits));
}
__device__ __forceinline__ float widened(Float16 x) {
  return __half2float(__ushort_as_half(x.bits));
}
__device__ __forceinline__ void narrow_to(float& y, float x) { y = x; }
__device__ __forceinline__ void narrow_to(BFloat16& y, float x) {
  y.bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
__device__ __forceinline__ void narrow_to(Float16& y, float x) {
  y.bits = __half_as_ushort(__float2half_rn(x));
}

template <int kWidth, typename T>
__device__ __forceinline__ Pack<float, kWidth> load_narrow(const T* p) {
  GANTRY_ALIGNED(p, sizeof(Pack<T, kWidth>));
  const Pack<T, kWidth> narrow = *reinterpret_cast<const Pack<T, kWidth>*>(p);
  Pack<float, kWidth> pack;
  for (int j = 0; j < kWidth; ++j) pack.v[j] = widened(narrow.v[j]);
  return pack;
}
template <int kWidth>
__device__ __forceinline__ Pack<float, kWidth> load(const BFloat16* p) {
  return load_narrow<kWidth>(p);
}
template <int kWidth>
__device__ __forceinline__ Pack<float, kWidth> load(const Float16* p) {
  return load_narrow<kWidth>(p);
}

template <int kWidth, typename T>
__device__ __forceinline__ void store_narrow(T* p, const Pack<float, kWidth>& pack) {
  GANTRY_ALIGNED(p, sizeof(Pack<T, kWidth>));
  Pack<T, kWidth> narrow;
  for (int j = 0; j < kWidth; ++j) narrow_to(narrow.v[j], pack.v[j]);
  *reinterpret_cast<Pack<T, kWidth>*>(p) = narrow;
}
template <int kWidth>
__device__ __forceinline__ void store(BFloat16* p, const Pack<float, kWidth>& pack) {
  store_narrow<kWidth>(p, pack);
}
template <int kWidth>
__device__ __forceinline__ void store(Float16* p, const Pack<float, kWidth>& pack) {
  store_narrow<kWidth>(p, pack);
}

// The place of this thread among all of the grid, and how many there are.
__device__ __forceinline__ int64_t thread_in_grid() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int64_t threads_in_grid() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

}  // namespace gantry::cuda
