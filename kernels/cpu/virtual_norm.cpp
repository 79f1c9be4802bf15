// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/common/virtual_norm_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

// Sums per sample and channel, `kinds` of them, then `shared` rows that belong to all samples.
class Room {
 public:
  Room(const VirtualNormDesc& d, int64_t kinds, void* scratch)
      : channels_(d.x.c),
        kinds_(kinds),
        base_(static_cast<double*>(scratch)),
        shared_(base_ + d.x.n * kinds * d.x.c) {}
  static size_t bytes(const VirtualNormDesc& d, int64_t kinds, int64_t shared) {
    return static_cast<size_t>((d.x.n * kinds + shared) * d.x.c) * sizeof(double);
  }
  double* of(int64_t sample, int64_t kind) const {
    return base_ + (sample * kinds_ + kind) * channels_;
  }
  double* shared(int64_t row) const { return shared_ + row * channels_; }

 private:
  int64_t channels_, kinds_;
  double *base_, *shared_;
};

double own_weight(const VirtualNormDesc& d) { return 1 / static_cast<double>(d.reference + 1); }

// Mean of one sample per channel.
void own_means(const VirtualNormDesc& d, const float* x, double* mean) {
  const int64_t c = d.x.c, pixels = d.x.pixels();
  std::fill_n(mean, c, 0.0);
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t k = 0; k < c; ++k) mean[k] += static_cast<double>(x[p * c + k]);
  }
  for (int64_t k = 0; k < c; ++k) mean[k] /= static_cast<double>(pixels);
}

void own_variances(const VirtualNormDesc& d, const float* x, const double* mean, double* variance) {
  const int64_t c = d.x.c, pixels = d.x.pixels();
  std::fill_n(variance, c, 0.0);
  for (int64_t p = 0; p < pixels; ++p) {
#pragma omp simd
    for (int64_t k = 0; k < c; ++k) {
      const double r = static_cast<double>(x[p * c + k]) - mean[k];
      variance[k] += r * r;
    }
  }
  for (int64_t k = 0; k < c; ++k) variance[k] /= static_cast<double>(pixels);
}

// Shared rows 0 and 1: mean and variance of the reference.
void join_reference(const VirtualNormDesc& d, const Room& room) {
  const double count = static_cast<double>(d.reference);
  double *mean = room.shared(0), *variance = room.shared(1);
  std::fill_n(mean, d.x.c, 0.0);
  std::fill_n(variance, d.x.c, 0.0);
  for (int64_t i = 0; i < d.reference; ++i)
    for (int64_t k = 0; k < d.x.c; ++k) mean[k] += room.of(i, 0)[k] / count;
  for (int64_t i = 0; i < d.reference; ++i) {
    for (int64_t k = 0; k < d.x.c; ++k) {
      const double gap = room.of(i, 0)[k] - mean[k];
      variance[k] += (room.of(i, 1)[k] + gap * gap) / count;
    }
  }
}

// Row of the statistics that sample i is normalised with.
int64_t stats_row(const VirtualNormDesc& d, int64_t i) {
  return i < d.reference ? 0 : 1 + i - d.reference;
}

void write_stats(const VirtualNormDesc& d, const Room& room, int64_t i, float* mean, float* rstd) {
  const double w = i < d.reference ? 0 : own_weight(d), eps = static_cast<double>(d.eps);
  for (int64_t k = 0; k < d.x.c; ++k) {
    const VirtualMoments m = virtual_moments(w, room.shared(0)[k], room.shared(1)[k],
                                             room.of(i, 0)[k], room.of(i, 1)[k]);
    mean[k] = static_cast<float>(m.mean);
    rstd[k] = static_cast<float>(1 / std::sqrt(m.variance + eps));
  }
}

std::shared_ptr<Kernel> forward(const VirtualNormDesc& d, int threads) {
  return cpu::loop_kernel(6, Room::bytes(d, 2, 2), [=](Args a, void* scratch) {
    const Room room(d, 2, scratch);
    const int64_t c = d.x.c, size = d.x.per_sample();
    const float *x = a.real(3), *gamma = a.real(4), *beta = a.real(5);
    cpu::parallel_for(threads, d.x.n, [&](int64_t i) {
      own_means(d, x + i * size, room.of(i, 0));
      own_variances(d, x + i * size, room.of(i, 0), room.of(i, 1));
    });
    join_reference(d, room);
    write_stats(d, room, 0, a.real(1), a.real(2));
    cpu::parallel_for(threads, d.x.n, [&](int64_t i) {
      float *mean = a.real(1) + stats_row(d, i) * c, *rstd = a.real(2) + stats_row(d, i) * c;
      if (i >= d.reference) write_stats(d, room, i, mean, rstd);
      const float* from = x + i * size;
      float* to = a.real(0) + i * size;
      for (int64_t p = 0; p < size; p += c) {
#pragma omp simd
        for (int64_t k = 0; k < c; ++k)
          to[p + k] = (from[p + k] - mean[k]) * (gamma[k] * rstd[k]) + beta[k];
      }
    });
  });
}

struct Backward {
  const VirtualNormDesc& d;
  const Room& room;
  const float *x, *dy, *gamma, *mean, *rstd;
  float* dx;

  // Kinds of the room: own mean, sum dy, sum dy (x - m), then what reaches own mean and variance.
  void reduce(int64_t i) const {
    const int64_t c = d.x.c, size = d.x.per_sample();
    const float *xs = x + i * size, *dys = dy + i * size, *m = mean + stats_row(d, i) * c;
    double *s1 = room.of(i, 1), *s2 = room.of(i, 2);
    own_means(d, xs, room.of(i, 0));
    std::fill_n(s1, c, 0.0);
    std::fill_n(s2, c, 0.0);
    for (int64_t p = 0; p < size; p += c) {
#pragma omp simd
      for (int64_t k = 0; k < c; ++k) {
        const double delta = static_cast<double>(dys[p + k]);
        s1[k] += delta;
        s2[k] += delta * (static_cast<double>(xs[p + k]) - static_cast<double>(m[k]));
      }
    }
  }

  // Shared rows 0 and 1: what reaches mean and variance of the reference; 2 and 3: dgamma, dbeta.
  void combine() const {
    const int64_t c = d.x.c;
    for (int64_t row = 0; row < 4; ++row) std::fill_n(room.shared(row), c, 0.0);
    for (int64_t i = 0; i < d.x.n; ++i) {
      const double w = i < d.reference ? 0 : own_weight(d);
      for (int64_t k = 0; k < c; ++k) {
        const double r = static_cast<double>(rstd[stats_row(d, i) * c + k]);
        const double g = static_cast<double>(gamma[k]), m0 = static_cast<double>(mean[k]);
        const double s1 = room.of(i, 1)[k], s2 = room.of(i, 2)[k];
        const VirtualDeltas t = virtual_deltas(w, r, room.of(i, 0)[k] - m0, g * s1, g * s2);
        room.shared(0)[k] += t.mean;
        room.shared(1)[k] += t.variance;
        room.shared(2)[k] += r * s2;
        room.shared(3)[k] += s1;
        room.of(i, 3)[k] = t.own_mean;
        room.of(i, 4)[k] = t.own_variance;
      }
    }
  }

  void apply(int64_t i) const {
    const bool fixed = i < d.reference;
    const int64_t c = d.x.c, size = d.x.per_sample();
    const double values = static_cast<double>(d.x.pixels() * (fixed ? d.reference : 1));
    const double* to_mean = fixed ? room.shared(0) : room.of(i, 3);
    const double* to_variance = fixed ? room.shared(1) : room.of(i, 4);
    const float *xs = x + i * size, *dys = dy + i * size, *r = rstd + stats_row(d, i) * c;
    float* dxs = dx + i * size;
    for (int64_t p = 0; p < size; p += c) {
      for (int64_t k = 0; k < c; ++k) {
        const double centre = fixed ? static_cast<double>(mean[k]) : room.of(i, 0)[k];
        const double by_stats =
            to_mean[k] + 2 * to_variance[k] * (static_cast<double>(xs[p + k]) - centre);
        // In f64: in small groups the two terms nearly cancel.
        const double direct = static_cast<double>(gamma[k]) * static_cast<double>(r[k]) *
                              static_cast<double>(dys[p + k]);
        dxs[p + k] = static_cast<float>(direct + by_stats / values);
      }
    }
  }
};

std::shared_ptr<Kernel> backward(const VirtualNormDesc& d, bool parameters, int threads) {
  const size_t in = parameters ? 3 : 1;
  return cpu::loop_kernel(in + 5, Room::bytes(d, 5, 4), [=](Args a, void* scratch) {
    const Room room(d, 5, scratch);
    const Backward pass{
        d,        room, a.real(in), a.real(in + 1), a.real(in + 2), a.real(in + 3), a.real(in + 4),
        a.real(0)};
    cpu::parallel_for(threads, d.x.n, [&](int64_t i) { pass.reduce(i); });
    pass.combine();
    cpu::parallel_for(threads, d.x.n, [&](int64_t i) { pass.apply(i); });
    for (int64_t k = 0; parameters && k < d.x.c; ++k) {
      const double old_gamma = d.accumulate ? static_cast<double>(a.real(1)[k]) : 0;
      const double old_beta = d.accumulate ? static_cast<double>(a.real(2)[k]) : 0;
      a.real(1)[k] = static_cast<float>(old_gamma + room.shared(2)[k]);
      a.real(2)[k] = static_cast<float>(old_beta + room.shared(3)[k]);
    }
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_virtual_norm(const VirtualNormDesc& d, VirtualNormPass pass) {
  if (pass == VirtualNormPass::kForward) return forward(d, threads());
  return backward(d, pass == VirtualNormPass::kBackward, threads());
}

}  // namespace gantry
