// SPDX-License-Identifier: Apache-2.0
#include "kernels/common/score_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"

namespace gantry {
namespace {

using cpu::Args;

void write_lecam(const LecamDesc& d, Args a) {
  const int64_t size = d.y.elements();
  const double weight = static_cast<double>(d.scale) / static_cast<double>(size);
  const bool on = *a.counter(4) >= d.start;
  const double anchor = static_cast<double>(*a.real(3)), sign = d.below ? -2 : 2;
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double excess = on ? lecam_excess(d, static_cast<double>(a.real(2)[i]), anchor) : 0;
    sum += excess * excess;
    a.real(1)[i] = static_cast<float>(weight * sign * excess);
  }
  *a.real(0) = static_cast<float>(weight * sum);
}

void write_weights(const TopKDesc& d, Args a, double* scores) {
  const int64_t n = d.y.n, k = top_count(d, *a.counter(3));
  const float weight = static_cast<float>(static_cast<double>(n) / static_cast<double>(k));
  for (int64_t i = 0; i < n; ++i) scores[i] = score_of_sample(a.real(2), d.y.per_sample(), i);
  for (int64_t i = 0; i < n; ++i) a.real(0)[i] = among_top(scores, n, i, k) ? weight : 0;
  *a.real(1) = static_cast<float>(static_cast<double>(k) / static_cast<double>(n));
}

void adapt_probability(const AdaptiveProbabilityDesc& d, Args a) {
  double signs = 0;
  for (int64_t i = 0; i < d.y.elements(); ++i)
    signs += static_cast<double>(a.real(4)[i] > 0) - static_cast<double>(a.real(4)[i] < 0);
  float *p = a.real(2), *tally = a.real(3);
  const AdaptiveState state{static_cast<double>(*p), static_cast<double>(tally[0]),
                            static_cast<double>(tally[1])};
  const AdaptiveStep step = adapt(d, state, signs / static_cast<double>(d.y.per_sample()));
  *a.real(0) = static_cast<float>(step.rt);
  *a.real(1) = *p = static_cast<float>(step.next.p);
  tally[0] = static_cast<float>(step.next.signs);
  tally[1] = static_cast<float>(step.next.samples);
}

}  // namespace

CpuKernels::Made CpuKernels::make_lecam(const LecamDesc& d) {
  return cpu::loop_kernel(5, 0, [d](Args a, void*) { write_lecam(d, a); });
}

CpuKernels::Made CpuKernels::make_moving_average(const MovingAverageDesc& d) {
  return cpu::loop_kernel(4, 0, [d](Args a, void*) {
    const double next = next_average(d, static_cast<double>(*a.real(1)),
                                     static_cast<double>(*a.real(2)), *a.counter(3));
    *a.real(0) = *a.real(1) = static_cast<float>(next);
  });
}

CpuKernels::Made CpuKernels::make_top_k(const TopKDesc& d) {
  const size_t scratch_bytes = static_cast<size_t>(d.y.n) * sizeof(double);
  return cpu::loop_kernel(4, scratch_bytes, [d](Args a, void* scratch) {
    write_weights(d, a, static_cast<double*>(scratch));
  });
}

CpuKernels::Made CpuKernels::make_adaptive_probability(const AdaptiveProbabilityDesc& d) {
  return cpu::loop_kernel(5, 0, [d](Args a, void*) { adapt_probability(d, a); });
}

}  // namespace gantry
