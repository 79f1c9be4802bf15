// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

// The part of one output's window that lies inside the image.
struct Window {
  int64_t top, bottom, left, right;  // ends excluded

  Window(const PoolDesc& d, int64_t h, int64_t w)
      : top(std::max<int64_t>(0, h * d.stride_h - d.pad_top)),
        bottom(std::min(d.x.h, h * d.stride_h - d.pad_top + d.kernel_h)),
        left(std::max<int64_t>(0, w * d.stride_w - d.pad_left)),
        right(std::min(d.x.w, w * d.stride_w - d.pad_left + d.kernel_w)) {}
  float share() const {
    return 1 / static_cast<float>(std::max<int64_t>(1, (bottom - top) * (right - left)));
  }
};

// Calls body(p, window) for the pixels p of y inside one sample's rows [first, last).
template <typename Body>
void for_each_window(const PoolDesc& d, int64_t first, int64_t last, const Body& body) {
  for (int64_t h = first; h < last; ++h)
    for (int64_t w = 0; w < d.y.w; ++w) body(h * d.y.w + w, Window(d, h, w));
}

void max_of(const PoolDesc& d, const Window& window, const float* x, float* y, int32_t* index) {
  const int64_t channels = d.x.c, start = window.top * d.x.w + window.left;
  for (int64_t c = 0; c < channels; ++c) {
    y[c] = x[start * channels + c];
    index[c] = static_cast<int32_t>(start);
  }
  for (int64_t row = window.top; row < window.bottom; ++row)
    for (int64_t column = window.left; column < window.right; ++column) {
      const int64_t pixel = row * d.x.w + column;
      const float* value = x + pixel * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        // A NaN stays once met, as every later comparison with it fails.
        const bool better = value[c] > y[c] || value[c] != value[c];
        index[c] = better ? static_cast<int32_t>(pixel) : index[c];
        y[c] = better ? value[c] : y[c];
      }
    }
}

void mean_of(const PoolDesc& d, const Window& window, const float* x, float* y) {
  const int64_t channels = d.x.c;
  std::fill_n(y, channels, 0.0f);
  for (int64_t row = window.top; row < window.bottom; ++row)
    for (int64_t column = window.left; column < window.right; ++column) {
      const float* value = x + (row * d.x.w + column) * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) y[c] += value[c];
    }
  const float share = window.share();
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) y[c] *= share;
}

// Runs body(n, first, last) over the rows of y of every sample.
template <typename Body>
void for_each_row_of_y(const PoolDesc& d, int threads, const Body& body) {
  cpu::parallel_for(threads, d.y.n * d.y.h,
                    [&](int64_t i) { body(i / d.y.h, i % d.y.h, i % d.y.h + 1); });
}

std::shared_ptr<Kernel> max_forward(const PoolDesc& d, int threads) {
  return cpu::loop_kernel(3, 0, [=](Args a, void*) {
    for_each_row_of_y(d, threads, [&](int64_t n, int64_t first, int64_t last) {
      const int64_t at = n * d.y.per_sample();
      const float* x = a.real(2) + n * d.x.per_sample();
      for_each_window(d, first, last, [&](int64_t p, const Window& window) {
        max_of(d, window, x, a.real(0) + at + p * d.y.c, a.index(1) + at + p * d.y.c);
      });
    });
  });
}

std::shared_ptr<Kernel> average_forward(const PoolDesc& d, int threads) {
  return cpu::loop_kernel(2, 0, [=](Args a, void*) {
    for_each_row_of_y(d, threads, [&](int64_t n, int64_t first, int64_t last) {
      float* y = a.real(0) + n * d.y.per_sample();
      const float* x = a.real(1) + n * d.x.per_sample();
      for_each_window(d, first, last, [&](int64_t p, const Window& window) {
        mean_of(d, window, x, y + p * d.y.c);
      });
    });
  });
}

// Windows may overlap, so a sample's gradient is the work of one thread.
std::shared_ptr<Kernel> max_backward(const PoolDesc& d, int threads) {
  return cpu::loop_kernel(3, 0, [=](Args a, void*) {
    cpu::parallel_for(threads, d.y.n, [&](int64_t n) {
      float* dx = a.real(0) + n * d.x.per_sample();
      const float* dy = a.real(1) + n * d.y.per_sample();
      const int32_t* index = a.index(2) + n * d.y.per_sample();
      std::fill_n(dx, d.x.per_sample(), 0.0f);
      for (int64_t p = 0; p < d.y.pixels(); ++p)
        for (int64_t c = 0; c < d.y.c; ++c) {
          const int64_t i = p * d.y.c + c;
          dx[index[i] * d.x.c + c] += dy[i];
        }
    });
  });
}

std::shared_ptr<Kernel> max_tangent(const PoolDesc& d, int threads) {
  return cpu::loop_kernel(3, 0, [=](Args a, void*) {
    cpu::parallel_for(threads, d.y.n, [&](int64_t n) {
      float* uy = a.real(0) + n * d.y.per_sample();
      const float* ux = a.real(1) + n * d.x.per_sample();
      const int32_t* index = a.index(2) + n * d.y.per_sample();
      for (int64_t p = 0; p < d.y.pixels(); ++p)
        for (int64_t c = 0; c < d.y.c; ++c) {
          const int64_t i = p * d.y.c + c;
          uy[i] = ux[index[i] * d.x.c + c];
        }
    });
  });
}

std::shared_ptr<Kernel> average_backward(const PoolDesc& d, int threads) {
  return cpu::loop_kernel(2, 0, [=](Args a, void*) {
    cpu::parallel_for(threads, d.y.n, [&](int64_t n) {
      float* dx = a.real(0) + n * d.x.per_sample();
      const float* dy = a.real(1) + n * d.y.per_sample();
      std::fill_n(dx, d.x.per_sample(), 0.0f);
      for_each_window(d, 0, d.y.h, [&](int64_t p, const Window& window) {
        const float share = window.share();
        const float* from = dy + p * d.y.c;
        for (int64_t row = window.top; row < window.bottom; ++row)
          for (int64_t column = window.left; column < window.right; ++column) {
            float* into = dx + (row * d.x.w + column) * d.x.c;
#pragma omp simd
            for (int64_t c = 0; c < d.x.c; ++c) into[c] += share * from[c];
          }
      });
    });
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_pool(const PoolDesc& d, PoolPass pass) {
  const bool average = d.kind == PoolDesc::Kind::kAverage;
  GANTRY_CHECK(!average || pass != PoolPass::kTangent,
               "average pooling is linear: its tangent is forward");
  switch (pass) {
    case PoolPass::kForward:
      return average ? average_forward(d, threads()) : max_forward(d, threads());
    case PoolPass::kBackward:
      return average ? average_backward(d, threads()) : max_backward(d, threads());
    case PoolPass::kTangent:
      return max_tangent(d, threads());
  }
  return nullptr;
}

}  // namespace gantry
