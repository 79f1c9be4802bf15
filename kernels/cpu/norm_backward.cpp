// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/norm_math.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/norm_passes.h"
#include "kernels/cpu/norm_rows.h"

namespace gantry::cpu {
namespace {

struct Backward {
  static constexpr int kSums = 2;   // dz, dz (x - mean)
  static constexpr int kCoefs = 5;  // mean, a = gamma rstd, beta, by_centred, constant
  static constexpr int kGrads = 2;  // dbeta, dgamma
  const NormRows& r;
  float slope;
  float* dx;
  const float *x, *dy, *gamma, *beta, *mean, *rstd;

  void prepare(int64_t segment, float* coefs) const {
    for (int64_t c = 0; c < r.channels; ++c) {
      const int64_t at = segment * r.groups + r.group_of(c);
      coefs[c] = mean[at];
      coefs[r.width + c] = gamma[c] * rstd[at];
      coefs[2 * r.width + c] = beta[c];
    }
    spread_lanes(r, 3, coefs);
  }

  void reduce(int64_t first, int64_t rows, const float* coefs, const NormTask& task) const {
    for (int64_t done = 0; done < rows; done += kNormBlock) {
      const int64_t from = first + done * r.width;
      block_sums(from, std::min(kNormBlock, rows - done), coefs, task.block);
#pragma omp simd
      for (int64_t l = 0; l < kSums * r.width; ++l)
        task.sums[l] += static_cast<double>(task.block[l]);
    }
  }

  void merge(double* into, int64_t, const double* from, int64_t) const {
    for (int64_t l = 0; l < kSums * r.width; ++l) into[l] += from[l];
  }

  void to_means(double* sums, double* means) const { sums_to_means(r, kSums, sums, means); }
  void from_means(const double* means, double* sums) const { means_to_sums(r, kSums, means, sums); }

  void finish(int64_t segment, double* sums, float* coefs, double* grads) const {
    fold_lanes(r, kSums, sums);
    const int64_t slice = r.channels_per_group();
    const double m = r.values_per_group();
    for (int64_t g = 0; g < r.groups; ++g) {
      const double scale = static_cast<double>(rstd[segment * r.groups + g]);
      double d = 0, dc = 0;
      for (int64_t c = g * slice; c < (g + 1) * slice; ++c) {
        d += static_cast<double>(gamma[c]) * sums[c];
        dc += static_cast<double>(gamma[c]) * sums[r.width + c];
        grads[c] += sums[c];
        grads[r.channels + c] += scale * sums[r.width + c];
      }
      const NormBackward<double> group(scale, d / m, dc / m);
      std::fill_n(coefs + 3 * r.width + g * slice, slice, static_cast<float>(group.by_centred));
      std::fill_n(coefs + 4 * r.width + g * slice, slice, static_cast<float>(group.constant));
    }
    spread_lanes(r, 2, coefs + 3 * r.width);
  }

  void apply(int64_t first, int64_t rows, const float* coefs) const {
    const float *mu = coefs, *a = mu + r.width, *b = a + r.width, *by_centred = b + r.width;
    const float *constant = by_centred + r.width, negative = slope;
    const int64_t width = r.width;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = first + row * r.width;
      const float *xr = x + at, *dyr = dy + at;
      float* dxr = dx + at;
#pragma omp simd
      for (int64_t l = 0; l < width; ++l) {
        const float centred = xr[l] - mu[l];
        const float dz = centred * a[l] + b[l] > 0 ? dyr[l] : negative * dyr[l];
        dxr[l] = (a[l] * dz + constant[l]) + by_centred[l] * centred;
      }
    }
  }

 private:
  void block_sums(int64_t first, int64_t rows, const float* coefs, float* sums) const {
    const float *mu = coefs, *a = coefs + r.width, *b = coefs + 2 * r.width;
    float *sum = sums, *moment = sums + r.width;
    const float negative = slope;  // read here: a load under a condition stops vectorisation
    const int64_t width = r.width;
    std::fill_n(sums, kSums * r.width, 0.0f);
    int64_t row = 0;
    for (; row + 2 <= rows; row += 2) {
      const float *x0 = x + first + row * r.width, *x1 = x0 + r.width;
      const float *dy0 = dy + first + row * r.width, *dy1 = dy0 + r.width;
#pragma omp simd
      for (int64_t l = 0; l < width; ++l) {
        const float c0 = x0[l] - mu[l], c1 = x1[l] - mu[l];
        const float dz0 = c0 * a[l] + b[l] > 0 ? dy0[l] : negative * dy0[l];
        const float dz1 = c1 * a[l] + b[l] > 0 ? dy1[l] : negative * dy1[l];
        sum[l] += dz0 + dz1;
        moment[l] += dz0 * c0 + dz1 * c1;
      }
    }
    for (; row < rows; ++row) {
      const float *x0 = x + first + row * r.width, *dy0 = dy + first + row * r.width;
#pragma omp simd
      for (int64_t l = 0; l < width; ++l) {
        const float c0 = x0[l] - mu[l];
        const float dz0 = c0 * a[l] + b[l] > 0 ? dy0[l] : negative * dy0[l];
        sum[l] += dz0;
        moment[l] += dz0 * c0;
      }
    }
  }
};

void write_grads(const NormRows& r, bool accumulate, const double* grads, float* dgamma,
                 float* dbeta) {
  for (int64_t c = 0; c < r.channels; ++c) {
    const double old_gamma = accumulate ? static_cast<double>(dgamma[c]) : 0;
    const double old_beta = accumulate ? static_cast<double>(dbeta[c]) : 0;
    dbeta[c] = static_cast<float>(old_beta + grads[c]);
    dgamma[c] = static_cast<float>(old_gamma + grads[r.channels + c]);
  }
}

}  // namespace

std::shared_ptr<Kernel> norm_backward(const NormDesc& desc, bool parameters, int threads) {
  const NormRows r(desc);
  const NormScratch<Backward> room(r);
  const float slope = norm_slope(desc.activation);
  const auto pass_of = [=](const NormRows& rows, Args a, float* dx, size_t in) {
    return Backward{rows,           slope,          dx,
                    a.real(in),     a.real(in + 1), a.real(in + 2),
                    a.real(in + 3), a.real(in + 4), a.real(in + 5)};
  };
  if (desc.stage == NormStage::kMeans) {
    return loop_kernel(7, room.bytes(), [=](Args a, void* scratch) {
      norm_means(r, pass_of(r, a, nullptr, 1), threads, scratch, a.exact(0));
    });
  }
  const size_t in = parameters ? 3 : 1, shared = desc.stage == NormStage::kRest ? 1 : 0;
  return loop_kernel(in + 6 + shared, room.bytes(), [=](Args a, void* scratch) {
    run_norm(r, pass_of(r, a, a.real(0), in), threads, scratch, shared ? a.exact(in + 6) : nullptr);
    if (parameters) write_grads(r, desc.accumulate, room.grads(scratch, 0), a.real(1), a.real(2));
  });
}

}  // namespace gantry::cpu
