// SPDX-License-Identifier: Apache-2.0
#include "core/half.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

float to_float(float x) { return x; }

void put(float x, float& y) { y = x; }
void put(float x, BFloat16& y) { y = to_bfloat16(x); }
void put(float x, Float16& y) { y = to_float16(x); }

template <typename To, typename From>
void cast(const CastDesc& d, int threads, const cpu::Args& a) {
  To* y = a.as<To>(0);
  const From* x = a.as<From>(1);
  const float scale = d.scale == CastDesc::Scale::kNone ? 1.0f : *a.real(2);
  const bool over = d.scale == CastDesc::Scale::kOver;
  cpu::parallel_ranges(threads, d.size, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float value = to_float(x[i]);
      put(over ? value / scale : value * scale, y[i]);
    }
  });
}

template <typename To>
void cast_to(const CastDesc& d, int threads, const cpu::Args& a) {
  if (a.dtype(1) == DType::kBF16) return cast<To, BFloat16>(d, threads, a);
  if (a.dtype(1) == DType::kF16) return cast<To, Float16>(d, threads, a);
  cast<To, float>(d, threads, a);
}

}  // namespace

CpuKernels::Made CpuKernels::make_cast(const CastDesc& d) {
  const size_t args = d.scale == CastDesc::Scale::kNone ? 2 : 3;
  return cpu::loop_kernel(args, 0, [d, threads = threads()](cpu::Args a, void*) {
    if (a.dtype(0) == DType::kBF16) return cast_to<BFloat16>(d, threads, a);
    if (a.dtype(0) == DType::kF16) return cast_to<Float16>(d, threads, a);
    cast_to<float>(d, threads, a);
  });
}

}  // namespace gantry
