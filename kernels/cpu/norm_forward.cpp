// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/norm_passes.h"
#include "kernels/cpu/norm_rows.h"

namespace gantry::cpu {
namespace {

// sum (x - shift) and sum (x - shift)^2 per lane over up to kNormBlock rows, shift being the first
// row. As the shift is itself one of the data, its squared distance from the mean is part of the
// sum of squares about the mean, so cancellation loses at most a factor 1 + kNormBlock, whatever
// the mean and however far out the first row.
void shifted_sums(const float* x, int64_t rows, int64_t width, float* sum, float* square) {
  std::fill_n(sum, width, 0.0f);
  std::fill_n(square, width, 0.0f);
  int64_t row = 1;
  for (; row + 4 <= rows; row += 4) {
    const float *x0 = x + row * width, *x1 = x0 + width, *x2 = x1 + width, *x3 = x2 + width;
#pragma omp simd
    for (int64_t l = 0; l < width; ++l) {
      const float a = x0[l] - x[l], b = x1[l] - x[l], c = x2[l] - x[l], d = x3[l] - x[l];
      sum[l] += (a + b) + (c + d);
      square[l] += (a * a + b * b) + (c * c + d * d);
    }
  }
  for (; row < rows; ++row) {
    const float* x0 = x + row * width;
#pragma omp simd
    for (int64_t l = 0; l < width; ++l) {
      const float a = x0[l] - x[l];
      sum[l] += a;
      square[l] += a * a;
    }
  }
}

// Mean and sum of squares about it, of two sets of na and nb values, into the first
// (Chan, Golub, LeVeque 1979).
inline void join(double* mean, double* m2, double na, double mean_b, double m2_b, double nb) {
  const double delta = mean_b - *mean, n = na + nb;
  *mean += delta * (nb / n);
  *m2 += m2_b + delta * delta * (na * nb / n);
}

// y = act((x - mean) a + beta) row by row. Backward asks the sign of the same expression.
void normalise(const NormRows& r, int64_t rows, const float* coefs, float slope, const float* x,
               float* y) {
  const float *mean = coefs, *a = coefs + r.width, *beta = coefs + 2 * r.width;
  for (int64_t row = 0; row < rows; ++row, x += r.width, y += r.width) {
#pragma omp simd
    for (int64_t l = 0; l < r.width; ++l) {
      const float z = (x[l] - mean[l]) * a[l] + beta[l];
      y[l] = z > 0 ? z : slope * z;
    }
  }
}

struct Forward {
  static constexpr int kSums = 2, kCoefs = 3, kGrads = 0;
  const NormRows& r;
  double eps;
  float slope;
  float *y, *mean, *rstd;
  const float *x, *gamma, *beta;
  double* variance;  // per segment and channel, for the running statistics; may be null

  void prepare(int64_t, float*) const {}

  void reduce(int64_t first, int64_t rows, const float*, const NormTask& task) const {
    float *sum = task.block, *square = task.block + r.width;
    for (int64_t done = 0; done < rows; done += kNormBlock) {
      const float* block = x + first + done * r.width;
      const int64_t count = std::min(kNormBlock, rows - done);
      shifted_sums(block, count, r.width, sum, square);
      const double n = static_cast<double>(count);
#pragma omp simd
      for (int64_t l = 0; l < r.width; ++l) {
        const double s = static_cast<double>(sum[l]);
        const double m2 = static_cast<double>(square[l]) - s * s / n;
        join(task.sums + l, task.sums + r.width + l, static_cast<double>(done),
             static_cast<double>(block[l]) + s / n, m2 < 0 ? 0 : m2, n);
      }
    }
  }

  void merge(double* into, int64_t into_rows, const double* from, int64_t from_rows) const {
    for (int64_t l = 0; l < r.width; ++l)
      join(into + l, into + r.width + l, static_cast<double>(into_rows), from[l], from[r.width + l],
           static_cast<double>(from_rows));
  }

  void finish(int64_t segment, double* sums, float* coefs, double*) const {
    const int64_t slice = r.channels_per_group();
    for (int64_t g = 0; g < r.groups; ++g) {
      const Moments m = moments(sums, g * slice, slice);
      const int64_t at = segment * r.groups + g;
      mean[at] = static_cast<float>(m.mean);
      rstd[at] = static_cast<float>(1 / std::sqrt(m.variance + eps));
      if (variance) variance[at] = m.variance;
      for (int64_t c = g * slice; c < (g + 1) * slice; ++c) {
        coefs[c] = mean[at];
        coefs[r.width + c] = gamma[c] * rstd[at];
        coefs[2 * r.width + c] = beta[c];
      }
    }
    spread_lanes(r, kCoefs, coefs);
  }

  // The variance as mean(x^2) - mean(x)^2.
  void to_means(const double* sums, double* means) const {
    for (int64_t c = 0; c < r.channels; ++c) {
      const Moments m = moments(sums, c, 1);
      means[c] = m.mean;
      means[r.channels + c] = m.variance + m.mean * m.mean;
    }
  }
  void from_means(const double* means, double* sums) const {
    for (int64_t l = 0; l < r.width; ++l) {
      const double mu = means[l % r.channels];
      const double spread = means[r.channels + l % r.channels] - mu * mu;
      sums[l] = mu;
      sums[r.width + l] = std::max(spread, 0.0) * static_cast<double>(r.rows);
    }
  }

  void apply(int64_t first, int64_t rows, const float* coefs) const {
    normalise(r, rows, coefs, slope, x + first, y + first);
  }

 private:
  struct Moments {
    double mean, variance;
  };
  // Of the lanes of `count` channels; each lane holds as many values.
  Moments moments(const double* sums, int64_t channel, int64_t count) const {
    const int64_t lanes_of_channel = r.width / r.channels;
    const double lanes = static_cast<double>(count * lanes_of_channel);
    double mean_of_lanes = 0, m2 = 0, spread = 0;
    for (int64_t l = channel; l < r.width; l += r.channels)
      for (int64_t c = 0; c < count; ++c) mean_of_lanes += sums[l + c];
    mean_of_lanes /= lanes;
    for (int64_t l = channel; l < r.width; l += r.channels)
      for (int64_t c = 0; c < count; ++c) {
        const double delta = sums[l + c] - mean_of_lanes;
        spread += delta * delta;
        m2 += sums[r.width + l + c];
      }
    const double per_lane = static_cast<double>(r.rows);
    return {mean_of_lanes, (m2 / per_lane + spread) / lanes};
  }
};

void track(const NormDesc& desc, const NormRows& r, const Forward& f, float* mean, float* var) {
  const double m = r.values_per_group() * static_cast<double>(desc.ranks);
  const double momentum = static_cast<double>(desc.momentum);
  const double unbias = desc.unbiased && m > 1 ? m / (m - 1) : 1;
  for (int64_t s = 0; s < r.segments; ++s)
    for (int64_t c = 0; c < r.channels; ++c) {
      const int64_t at = s * r.channels + c;
      const double seen = static_cast<double>(f.mean[at]), spread = f.variance[at] * unbias;
      mean[c] = static_cast<float>((1 - momentum) * static_cast<double>(mean[c]) + momentum * seen);
      var[c] = static_cast<float>((1 - momentum) * static_cast<double>(var[c]) + momentum * spread);
    }
}

}  // namespace

std::shared_ptr<Kernel> norm_forward(const NormDesc& desc, int threads) {
  const NormRows r(desc);
  const bool tracked = desc.kind == NormKind::kBatch && desc.track;
  const size_t room = NormScratch<Forward>(r).bytes();
  const size_t kept = tracked ? static_cast<size_t>(r.segments * r.channels) * sizeof(double) : 0;
  if (desc.stage == NormStage::kMeans) {
    return loop_kernel(4, room, [=](Args a, void* scratch) {
      const Forward pass{.r = r,
                         .eps = 0,
                         .slope = 1,
                         .y = nullptr,
                         .mean = nullptr,
                         .rstd = nullptr,
                         .x = a.real(1),
                         .gamma = a.real(2),
                         .beta = a.real(3),
                         .variance = nullptr};
      norm_means(r, pass, threads, scratch, a.exact(0));
    });
  }
  const size_t in = tracked ? 5 : 3, shared = desc.stage == NormStage::kRest ? 1 : 0;
  return loop_kernel(in + 3 + shared, room + kept, [=](Args a, void* scratch) {
    double* variance = reinterpret_cast<double*>(static_cast<char*>(scratch) + room);
    const Forward pass{r,
                       static_cast<double>(desc.eps),
                       norm_slope(desc.activation),
                       a.real(0),
                       a.real(1),
                       a.real(2),
                       a.real(in),
                       a.real(in + 1),
                       a.real(in + 2),
                       tracked ? variance : nullptr};
    run_norm(r, pass, threads, scratch, shared ? a.exact(in + 3) : nullptr);
    if (tracked) track(desc, r, pass, a.real(3), a.real(4));
  });
}

std::shared_ptr<Kernel> norm_inference(const NormDesc& desc, int threads) {
  NormDesc whole = desc;
  whole.batch_groups = 1;
  const NormRows r(whole);
  const size_t room = static_cast<size_t>(Forward::kCoefs * r.width) * sizeof(float);
  return loop_kernel(6, room, [=](Args a, void* scratch) {
    const float *gamma = a.real(2), *beta = a.real(3), *mean = a.real(4), *var = a.real(5);
    float* coefs = static_cast<float*>(scratch);
    for (int64_t c = 0; c < r.channels; ++c) {
      const double spread = static_cast<double>(var[c]) + static_cast<double>(desc.eps);
      coefs[c] = mean[c];
      coefs[r.width + c] = static_cast<float>(static_cast<double>(gamma[c]) / std::sqrt(spread));
      coefs[2 * r.width + c] = beta[c];
    }
    spread_lanes(r, Forward::kCoefs, coefs);
    parallel_for(threads, r.chunks.count(), [&](int64_t k) {
      const int64_t first = r.chunks.begin(k) * r.width;
      normalise(r, r.chunks.size_of(k), coefs, norm_slope(desc.activation), a.real(1) + first,
                a.real(0) + first);
    });
  });
}

}  // namespace gantry::cpu
