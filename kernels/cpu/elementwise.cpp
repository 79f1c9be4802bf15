// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

// y[begin, end) = [y +] scale x, or the plain copy.
void add_scaled(bool first, float scale, const float* x, float* y, int64_t begin, int64_t end) {
  if (first && scale == 1) {
    if (x != y) std::memcpy(y + begin, x + begin, static_cast<size_t>(end - begin) * sizeof(float));
    return;
  }
  if (first) {
#pragma omp simd
    for (int64_t i = begin; i < end; ++i) y[i] = scale * x[i];
    return;
  }
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) y[i] += scale * x[i];
}

// Elements that stay in the first-level cache while all inputs are added.
constexpr int64_t kTile = 2048;

}  // namespace

CpuKernels::Made CpuKernels::make_sum(const SumDesc& d) {
  return cpu::loop_kernel(1 + d.scale.size(), 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    const cpu::Pieces tiles{d.y.elements(), kTile};
    cpu::parallel_for(threads, tiles.count(), [&](int64_t tile) {
      const int64_t begin = tiles.begin(tile), end = tiles.end(tile);
      if (d.scale.empty() && !d.accumulate) std::fill(y + begin, y + end, 0.0f);
      for (size_t i = 0; i < d.scale.size(); ++i)
        add_scaled(i == 0 && !d.accumulate, d.scale[i], a.real(1 + i), y, begin, end);
      if (d.constant != 0) {
        for (int64_t i = begin; i < end; ++i) y[i] += d.constant;
      }
    });
  });
}

CpuKernels::Made CpuKernels::make_one_hot(const OneHotDesc& d) {
  return cpu::loop_kernel(2, 0, [d](Args a, void*) {
    float* y = a.real(0);
    const float* label = a.real(1);
    std::fill_n(y, d.n * d.classes, 0.0f);
    for (int64_t n = 0; n < d.n; ++n) {
      const float c = label[n];
      const bool valid = c >= 0 && c < static_cast<float>(d.classes) && c == std::floor(c);
      if (valid) y[n * d.classes + static_cast<int64_t>(c)] = 1;
    }
  });
}

}  // namespace gantry
