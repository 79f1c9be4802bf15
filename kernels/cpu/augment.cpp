// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/augment_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

float mean_of(const float* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
  return static_cast<float>(sum / static_cast<double>(count));
}

void augment_sample(const Augmentation& by, int64_t c, const float* x, float* y) {
  const float mean = mean_of(x, int64_t{by.h} * by.w * c);
  for (int row = 0; row < by.h; ++row) {
    for (int column = 0; column < by.w; ++column, y += c) {
      const int source = by.source(row, column);
      const float* from = x + (source < 0 ? 0 : source) * c;
      const float pixel = source < 0 ? 0 : mean_of(from, c);
      for (int64_t i = 0; i < c; ++i)
        y[i] = source < 0 ? 0 : by.colour(from[i], pixel, mean) + by.brightness;
    }
  }
}

// The map but for brightness is a symmetric one behind a move of pixels.
void augment_sample_back(const Augmentation& by, int64_t c, const float* dy, float* dx) {
  double sum = 0;
  for (int row = 0; row < by.h; ++row) {
    for (int column = 0; column < by.w; ++column) {
      const int target = by.target(row, column);
      for (int64_t i = 0; target >= 0 && i < c; ++i) sum += static_cast<double>(dy[target * c + i]);
    }
  }
  const float mean =
      static_cast<float>(sum / (static_cast<double>(by.h) * by.w * static_cast<double>(c)));
  for (int row = 0; row < by.h; ++row) {
    for (int column = 0; column < by.w; ++column, dx += c) {
      const int target = by.target(row, column);
      const float* from = dy + (target < 0 ? 0 : target) * c;
      const float pixel = target < 0 ? 0 : mean_of(from, c);
      for (int64_t i = 0; i < c; ++i) dx[i] = by.colour(target < 0 ? 0 : from[i], pixel, mean);
    }
  }
}

}  // namespace

CpuKernels::Made CpuKernels::make_augment_draw(const AugmentDrawDesc& d) {
  const int64_t cut_h = cut_side(d.cutout, d.h), cut_w = cut_side(d.cutout, d.w);
  return cpu::loop_kernel(d.adaptive ? 3 : 2, 0, [=](Args a, void*) {
    const float p = d.adaptive ? *a.real(2) : 1;
    for (int64_t n = 0; n < d.n; ++n) {
      draw_augmentation(d, cut_h, cut_w, *a.counter(1), d.first_sample + static_cast<uint32_t>(n),
                        p, a.real(0) + n * kAugmentNumbers);
    }
  });
}

CpuKernels::Made CpuKernels::make_augment(const AugmentDesc& d, LinearPass pass) {
  const int64_t cut_h = cut_side(d.cutout, d.x.h), cut_w = cut_side(d.cutout, d.x.w);
  const auto of_sample = pass == LinearPass::kForward ? augment_sample : augment_sample_back;
  return cpu::loop_kernel(3, 0, [=, threads = threads()](Args a, void*) {
    const int64_t size = d.x.per_sample();
    cpu::parallel_for(threads, d.x.n, [&](int64_t n) {
      const Augmentation by(a.real(2) + n * kAugmentNumbers, d.x.h, d.x.w, cut_h, cut_w);
      of_sample(by, d.x.c, a.real(1) + n * size, a.real(0) + n * size);
    });
  });
}

}  // namespace gantry
