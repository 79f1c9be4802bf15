// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/common/penalty_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/philox_lanes.h"

namespace gantry {
namespace {

using cpu::Args;

// Samples to a piece, so that a piece is worth a thread.
cpu::Pieces pieces_of(const Shape& x) {
  return {x.n, std::max<int64_t>(1, cpu::kGrain / x.per_sample())};
}

float share_of(RandomKey key, int64_t step, uint32_t sample) {
  return uniform01(random_block(key, static_cast<uint64_t>(step), sample, 0).v[0]);
}

double total_of(const float* x, int64_t begin, int64_t end) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = begin; i < end; ++i) total += static_cast<double>(x[i]);
  return total;
}

double sum_squares(const float* x, double mean, int64_t begin, int64_t end) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = begin; i < end; ++i) {
    const double difference = static_cast<double>(x[i]) - mean;
    total += difference * difference;
  }
  return total;
}

void perturb_sample(const PerturbDesc& d, int64_t step, uint32_t sample, float deviation,
                    const float* x, float* y) {
  constexpr int64_t kBatch = 4 * cpu::kQuads;
  const float reach = share_of(d.key, step, sample) * (d.spread * deviation);
  const int64_t size = d.x.per_sample();
  uint32_t words[kBatch];
  for (int64_t first = 0; first < size; first += kBatch) {
    cpu::random_words(d.noise_key, step, sample, first / 4, words);
    const int64_t count = std::min(kBatch, size - first);
    for (int64_t i = 0; i < count; ++i) y[first + i] = x[first + i] + reach * uniform01(words[i]);
  }
}

}  // namespace

CpuKernels::Made CpuKernels::make_interpolate(const InterpolateDesc& d) {
  const cpu::Pieces pieces = pieces_of(d.x);
  return cpu::loop_kernel(4, 0, [=, threads = threads()](Args args, void*) {
    const int64_t step = *args.counter(3), size = d.x.per_sample();
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      for (int64_t n = pieces.begin(k); n < pieces.end(k); ++n) {
        const float a = share_of(d.key, step, d.first_sample + static_cast<uint32_t>(n));
        float* y = args.real(0) + n * size;
        const float *x = args.real(1) + n * size, *z = args.real(2) + n * size;
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) y[i] = a * x[i] + (1 - a) * z[i];
      }
    });
  });
}

CpuKernels::Made CpuKernels::make_deviation(const DeviationDesc& d) {
  const int64_t size = d.x.elements();
  const cpu::Pieces pieces = cpu::cut(size, cpu::kGrain, 256);
  const size_t room = static_cast<size_t>(pieces.count()) * sizeof(double);
  return cpu::loop_kernel(2, room, [=, threads = threads()](Args a, void* scratch) {
    double* parts = static_cast<double*>(scratch);
    const float* x = a.real(1);
    cpu::parallel_for(threads, pieces.count(),
                      [&](int64_t k) { parts[k] = total_of(x, pieces.begin(k), pieces.end(k)); });
    const double mean = cpu::tree_sum(parts, pieces.count()) / static_cast<double>(size);
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      parts[k] = sum_squares(x, mean, pieces.begin(k), pieces.end(k));
    });
    const double squares = cpu::tree_sum(parts, pieces.count());
    *a.real(0) = static_cast<float>(std::sqrt(squares / static_cast<double>(size)));
  });
}

CpuKernels::Made CpuKernels::make_perturb(const PerturbDesc& d) {
  const cpu::Pieces pieces = pieces_of(d.x);
  return cpu::loop_kernel(4, 0, [=, threads = threads()](Args a, void*) {
    const int64_t step = *a.counter(3), size = d.x.per_sample();
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      for (int64_t n = pieces.begin(k); n < pieces.end(k); ++n) {
        perturb_sample(d, step, d.first_sample + static_cast<uint32_t>(n), *a.real(2),
                       a.real(1) + n * size, a.real(0) + n * size);
      }
    });
  });
}

CpuKernels::Made CpuKernels::make_gradient_penalty(const GradientPenaltyDesc& d) {
  const cpu::Pieces pieces = pieces_of(d.g);
  const size_t room = static_cast<size_t>(2 * pieces.count()) * sizeof(double);
  return cpu::loop_kernel(4, room, [=, threads = threads()](Args a, void* scratch) {
    double *values = static_cast<double*>(scratch), *norms = values + pieces.count();
    const int64_t size = d.g.per_sample();
    const double samples = static_cast<double>(d.g.n),
                 weight = static_cast<double>(d.scale) / samples;
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      values[k] = norms[k] = 0;
      for (int64_t n = pieces.begin(k); n < pieces.end(k); ++n) {
        const float* g = a.real(3) + n * size;
        float* v = a.real(2) + n * size;
        const double squares = sum_squares(g, 0, 0, size);
        const PenaltyTerm term = penalty_term(d.kind, static_cast<double>(d.target), squares);
        const float slope = static_cast<float>(weight * term.slope);
        for (int64_t i = 0; i < size; ++i) v[i] = slope * g[i];
        values[k] += term.value;
        norms[k] += std::sqrt(squares);
      }
    });
    *a.real(0) = static_cast<float>(weight * cpu::tree_sum(values, pieces.count()));
    *a.real(1) = static_cast<float>(cpu::tree_sum(norms, pieces.count()) / samples);
  });
}

}  // namespace gantry
