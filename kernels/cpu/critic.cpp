// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/common/critic_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

// In f64 throughout: what is left of margin - energy must keep its digits.
template <ReconstructionDesc::Kind kKind>
double energy(const float* y, const float* x, int64_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < size; ++i)
    sum += residual_energy<kKind>(static_cast<double>(y[i]) - static_cast<double>(x[i]));
  return sum;
}

template <ReconstructionDesc::Kind kKind>
void slopes(const float* y, const float* x, int64_t size, float weight, float* dy, float* dx) {
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) dy[i] = weight * residual_slope<kKind>(y[i] - x[i]);
  if (!dx) return;
#pragma omp simd
  for (int64_t i = 0; i < size; ++i) dx[i] = -dy[i];
}

// One sample at a time: its energy says whether it is inside the margin, while it is in the cache.
template <ReconstructionDesc::Kind kKind>
std::shared_ptr<Kernel> reconstruction_kernel(const ReconstructionDesc& d, int threads) {
  const int64_t n = d.x.n, size = d.x.per_sample();
  const size_t in = d.want_dx ? 5 : 4;
  const double each = d.mean ? 1 / static_cast<double>(size) : 1;
  const size_t scratch_bytes = static_cast<size_t>(3 * n) * sizeof(double);
  return cpu::loop_kernel(in + (d.weighted ? 3 : 2), scratch_bytes, [=](Args a, void* scratch) {
    double *energies = static_cast<double*>(scratch), *losses = energies + n, *active = losses + n;
    const double given = d.weighted ? static_cast<double>(*a.real(in + 2)) : 1;
    const double scale = static_cast<double>(d.scale) * given / static_cast<double>(n);
    cpu::parallel_for(threads, n, [&](int64_t i) {
      const float *y = a.real(in) + i * size, *x = a.real(in + 1) + i * size;
      energies[i] = each * energy<kKind>(y, x, size);
      const EnergyLoss loss = energy_loss(d, energies[i]);
      losses[i] = loss.value;
      active[i] = loss.slope != 0 ? 1 : 0;
      slopes<kKind>(y, x, size, static_cast<float>(scale * each * loss.slope), a.real(3) + i * size,
                    d.want_dx ? a.real(4) + i * size : nullptr);
    });
    *a.real(0) = static_cast<float>(scale * cpu::tree_sum(losses, n));
    *a.real(1) = static_cast<float>(cpu::tree_sum(energies, n) / static_cast<double>(n));
    *a.real(2) = static_cast<float>(cpu::tree_sum(active, n) / static_cast<double>(n));
  });
}

double dot(const float* a, const float* b, int64_t size) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t k = 0; k < size; ++k) sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  return sum;
}

// Row i of the cosines, the sum of their squares, and the gradient of code i.
double pull_away(const float* s, int64_t i, int64_t n, int64_t size, double scale,
                 const double* lengths, float* ds) {
  const float* own = s + i * size;
  std::fill_n(ds, size, 0.0f);
  double squares = 0;
  for (int64_t j = 0; j < n; ++j) {
    if (j == i) continue;
    const float* other = s + j * size;
    const double cosine = dot(own, other, size) / (lengths[i] * lengths[j]);
    squares += cosine * cosine;
    const float weight = static_cast<float>(4 * scale * cosine / (lengths[i] * lengths[j]));
#pragma omp simd
    for (int64_t k = 0; k < size; ++k) ds[k] += weight * other[k];
  }
  const float back = static_cast<float>(4 * scale * squares / (lengths[i] * lengths[i]));
#pragma omp simd
  for (int64_t k = 0; k < size; ++k) ds[k] -= back * own[k];
  return squares;
}

using Match = FeatureMatchDesc;

double mean_at(const float* values, int64_t n, int64_t size, int64_t k) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(values[i * size + k]);
  return sum / static_cast<double>(n);
}

// The features [begin, end): their part of the value, and the gradient.
double match_piece(const Match& d, Args a, int64_t begin, int64_t end) {
  const int64_t size = d.fake.per_sample(), n = d.fake.n;
  const bool squared = d.kind == Match::Kind::kSquared;
  const double each = squared ? 1 : 1 / static_cast<double>(size);
  double total = 0;
  for (int64_t k = begin; k < end; ++k) {
    const double gap = mean_at(a.real(2), n, size, k) - mean_at(a.real(3), d.real.n, size, k);
    total += each * (squared ? gap * gap : std::fabs(gap));
    const double slope = each * (squared ? 2 * gap : sign_of(gap));
    const double df = static_cast<double>(d.scale) * slope / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) a.real(1)[i * size + k] = static_cast<float>(df);
  }
  return total;
}

}  // namespace

CpuKernels::Made CpuKernels::make_reconstruction(const ReconstructionDesc& d) {
  using Kind = ReconstructionDesc::Kind;
  return d.kind == Kind::kSquared ? reconstruction_kernel<Kind::kSquared>(d, threads())
                                  : reconstruction_kernel<Kind::kAbsolute>(d, threads());
}

CpuKernels::Made CpuKernels::make_pulling_away(const PullingAwayDesc& d) {
  const int64_t n = d.s.n, size = d.s.per_sample();
  const double pairs = static_cast<double>(std::max<int64_t>(1, n * (n - 1)));
  const double scale = static_cast<double>(d.scale) / pairs;
  const size_t scratch_bytes = static_cast<size_t>(2 * n) * sizeof(double);
  return cpu::loop_kernel(3, scratch_bytes, [=, threads = threads()](Args a, void* scratch) {
    double *lengths = static_cast<double*>(scratch), *squares = lengths + n;
    const float* s = a.real(2);
    cpu::parallel_for(threads, n, [&](int64_t i) {
      const float* own = s + i * size;
      lengths[i] = std::max(std::sqrt(dot(own, own, size)), 1e-12);
    });
    cpu::parallel_for(threads, n, [&](int64_t i) {
      squares[i] = pull_away(s, i, n, size, scale, lengths, a.real(1) + i * size);
    });
    *a.real(0) = static_cast<float>(scale * cpu::tree_sum(squares, n));
  });
}

CpuKernels::Made CpuKernels::make_equilibrium(const EquilibriumDesc& d) {
  return cpu::loop_kernel(5, 0, [d](Args a, void*) {
    const double real = static_cast<double>(*a.real(3)), fake = static_cast<double>(*a.real(4));
    const double k = static_cast<double>(*a.real(2));
    *a.real(0) = static_cast<float>(convergence_measure(d, real, fake));
    *a.real(2) = static_cast<float>(next_equilibrium(d, k, real, fake));
    *a.real(1) = *a.real(2);
  });
}

CpuKernels::Made CpuKernels::make_feature_match(const FeatureMatchDesc& d) {
  const cpu::Pieces pieces = cpu::cut(d.fake.per_sample(), 16, 256);
  const size_t scratch_bytes = static_cast<size_t>(pieces.count()) * sizeof(double);
  return cpu::loop_kernel(4, scratch_bytes, [=, threads = threads()](Args a, void* scratch) {
    double* totals = static_cast<double*>(scratch);
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      totals[k] = match_piece(d, a, pieces.begin(k), pieces.end(k));
    });
    const double total = cpu::tree_sum(totals, pieces.count());
    *a.real(0) = static_cast<float>(static_cast<double>(d.scale) * total);
  });
}

}  // namespace gantry
