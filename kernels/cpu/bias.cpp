// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/epilogue.h"

namespace gantry {
namespace {

// Channels that one thread sums side by side: a cache line, so that threads share none.
constexpr int64_t kLane = 16;
// Rows summed in f32 before the sum goes to f64.
constexpr int64_t kRun = 256;

// Work is split over channels where there are enough of them, and over fixed row ranges, whose
// partial sums are added in order, where there are not.
class CpuBiasGrad final : public Kernel {
 public:
  CpuBiasGrad(const BiasGradDesc& desc, int threads)
      : rows_(desc.dy.n * desc.dy.pixels()),
        channels_(desc.dy.c),
        threads_(threads),
        accumulate_(desc.accumulate) {}

  size_t scratch_bytes() const override {
    return static_cast<size_t>(threads_ * channels_) * sizeof(double);
  }

  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    float* db = args[0].as<float>();
    const float* dy = args[1].as<float>();
    auto* partial = static_cast<double*>(scratch);
#pragma omp parallel for schedule(static)
    for (int part = 0; part < threads_; ++part) {
      sum_rows(dy, rows_ * part / threads_, rows_ * (part + 1) / threads_,
               partial + part * channels_);
    }
    for (int64_t c = 0; c < channels_; ++c) {
      double sum = 0;
      for (int part = 0; part < threads_; ++part) sum += partial[part * channels_ + c];
      db[c] = (accumulate_ ? db[c] : 0.0f) + static_cast<float>(sum);
    }
  }

 private:
  void sum_rows(const float* dy, int64_t first, int64_t last, double* sums) const {
    std::fill(sums, sums + channels_, 0.0);
    for (int64_t c = 0; c < channels_; c += kLane) {
      const int64_t width = std::min(kLane, channels_ - c);
      for (int64_t from = first; from < last; from += kRun) {
        float lane[kLane] = {};
        const int64_t to = std::min(last, from + kRun);
        for (int64_t row = from; row < to; ++row) {
          const float* at = dy + row * channels_ + c;
          for (int64_t i = 0; i < width; ++i) lane[i] += at[i];
        }
        for (int64_t i = 0; i < width; ++i) sums[c + i] += static_cast<double>(lane[i]);
      }
    }
  }

  int64_t rows_, channels_;
  int threads_;
  bool accumulate_;
};

class CpuBiasAdd final : public Kernel {
 public:
  explicit CpuBiasAdd(const BiasAddDesc& desc)
      : rows_(desc.x.n * desc.x.pixels()), channels_(desc.x.c) {}

  void run(Stream&, std::span<const TensorView> args, void*) const override {
    float* y = args[0].as<float>();
    const float* x = args[1].as<float>();
    const float* b = args[2].as<float>();
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows_; ++row) {
      for (int64_t c = 0; c < channels_; ++c) {
        y[row * channels_ + c] = x[row * channels_ + c] + b[c];
      }
    }
  }

 private:
  int64_t rows_, channels_;
};

}  // namespace

CpuKernels::Made CpuKernels::make_bias_grad(const BiasGradDesc& desc) {
  return std::make_shared<CpuBiasGrad>(desc, threads());
}

CpuKernels::Made CpuKernels::make_bias_add(const BiasAddDesc& desc) {
  return std::make_shared<CpuBiasAdd>(desc);
}

}  // namespace gantry
