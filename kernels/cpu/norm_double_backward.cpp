// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/norm_math.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/norm_passes.h"
#include "kernels/cpu/norm_rows.h"

namespace gantry::cpu {
namespace {

struct DoubleBackward {
  // dz, dz c, u, u c, dz u with c = x - mean
  static constexpr int kSums = 5;
  // mean, a = gamma rstd, beta, then the six of NormDoubleBackward, by_d times gamma
  static constexpr int kCoefs = 9;
  static constexpr int kGrads = 1;  // dgamma
  const NormRows& r;
  float slope;
  float *uy, *hx;
  const float *x, *dy, *ux, *gamma, *beta, *mean, *rstd;

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
      std::fill_n(task.block, kSums * r.width, 0.0f);
      const int64_t count = std::min(kNormBlock, rows - done);
      for (int64_t row = 0; row < count; ++row)
        add_row(first + (done + row) * r.width, coefs, task.block);
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
    for (int64_t g = 0; g < r.groups; ++g)
      finish_group(g, static_cast<double>(rstd[segment * r.groups + g]), sums, coefs, grads);
    spread_lanes(r, 6, coefs + 3 * r.width);
  }

  void apply(int64_t first, int64_t rows, const float* coefs) const {
    const float *mu = coefs, *a = mu + r.width, *b = a + r.width;
    const float *u_by_c = b + r.width, *u_constant = u_by_c + r.width, *by_c = u_constant + r.width;
    const float *by_dz = by_c + r.width, *by_u = by_dz + r.width, *constant = by_u + r.width;
    const float negative = slope;  // read here: a load under a condition stops vectorisation
    const int64_t width = r.width;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t at = first + row * width;
      const float *xr = x + at, *dyr = dy + at, *uxr = ux + at;
      float *uyr = uy + at, *hxr = hx + at;
#pragma omp simd
      for (int64_t l = 0; l < width; ++l) {
        const float c = xr[l] - mu[l], u = uxr[l];
        const float mask = c * a[l] + b[l] > 0 ? 1.0f : negative;
        const float dz = mask * dyr[l];
        uyr[l] = mask * a[l] * ((u + u_constant[l]) + u_by_c[l] * c);
        hxr[l] = (by_c[l] * c + by_dz[l] * dz) + (by_u[l] * u + constant[l]);
      }
    }
  }

 private:
  void add_row(int64_t at, const float* coefs, float* sums) const {
    const float *mu = coefs, *a = coefs + r.width, *b = coefs + 2 * r.width;
    float *s_dz = sums, *s_dzc = s_dz + r.width, *s_u = s_dzc + r.width;
    float *s_uc = s_u + r.width, *s_dzu = s_uc + r.width;
    const float *xr = x + at, *dyr = dy + at, *uxr = ux + at;
    const float negative = slope;
    const int64_t width = r.width;
#pragma omp simd
    for (int64_t l = 0; l < width; ++l) {
      const float c = xr[l] - mu[l], u = uxr[l];
      const float mask = c * a[l] + b[l] > 0 ? 1.0f : negative;
      const float dz = mask * dyr[l];
      s_dz[l] += dz;
      s_dzc[l] += dz * c;
      s_u[l] += u;
      s_uc[l] += u * c;
      s_dzu[l] += dz * u;
    }
  }

  void finish_group(int64_t g, double scale, const double* sums, float* coefs,
                    double* grads) const {
    const int64_t begin = g * r.channels_per_group(), end = begin + r.channels_per_group();
    const double *dz = sums, *dzc = sums + r.width, *u = dzc + r.width, *uc = u + r.width;
    const double *dzu = uc + r.width, m = r.values_per_group();
    NormDoubleBackward<double>::Means mean_of;
    for (int64_t c = begin; c < end; ++c) {
      const double weight = static_cast<double>(gamma[c]) / m;
      mean_of.d += weight * dz[c];
      mean_of.dc += weight * dzc[c];
      mean_of.u += u[c] / m;
      mean_of.uc += uc[c] / m;
      mean_of.du += weight * dzu[c];
    }
    const NormDoubleBackward<double> group(scale, mean_of);
    for (int64_t c = begin; c < end; ++c) {
      grads[c] += scale * (dzu[c] + group.u_constant * dz[c] + group.u_by_centred * dzc[c]);
      const double by_dz = group.by_d * static_cast<double>(gamma[c]);
      const double values[] = {group.u_by_centred, group.u_constant, group.by_centred, by_dz,
                               group.by_u,         group.constant};
      for (int k = 0; k < 6; ++k) coefs[(3 + k) * r.width + c] = static_cast<float>(values[k]);
    }
  }
};

}  // namespace

std::shared_ptr<Kernel> norm_double_backward(const NormDesc& desc, int threads) {
  const NormRows r(desc);
  const NormScratch<DoubleBackward> room(r);
  const float slope = norm_slope(desc.activation);
  const auto pass_of = [=](const NormRows& rows, Args a, float* uy, float* hx, size_t in) {
    return DoubleBackward{rows,
                          slope,
                          uy,
                          hx,
                          a.real(in),
                          a.real(in + 1),
                          a.real(in + 2),
                          a.real(in + 3),
                          a.real(in + 4),
                          a.real(in + 5),
                          a.real(in + 6)};
  };
  if (desc.stage == NormStage::kMeans) {
    return loop_kernel(8, room.bytes(), [=](Args a, void* scratch) {
      norm_means(r, pass_of(r, a, nullptr, nullptr, 1), threads, scratch, a.exact(0));
    });
  }
  const size_t shared = desc.stage == NormStage::kRest ? 1 : 0;
  return loop_kernel(10 + shared, room.bytes(), [=](Args a, void* scratch) {
    run_norm(r, pass_of(r, a, a.real(0), a.real(1), 3), threads, scratch,
             shared ? a.exact(10) : nullptr);
    const double* grads = room.grads(scratch, 0);
    for (int64_t c = 0; c < r.channels; ++c)
      a.real(2)[c] = static_cast<float>(static_cast<double>(a.real(2)[c]) + grads[c]);
  });
}

}  // namespace gantry::cpu
