// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/common/activation_math.h"
#include "kernels/common/variational_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/philox_lanes.h"

namespace gantry {
namespace {

using cpu::Args;
using LatentTerm = VariationalTerm<LibraryMath, float>;

constexpr int64_t kBatch = 4 * cpu::kQuads;  // latents drawn at once

// Calls body(e, eps) for every latent e of a sample.
template <typename Body>
void for_each_latent(const VariationalDesc& d, int64_t step, int64_t sample, const Body& body) {
  uint32_t words[kBatch];
  float eps[kBatch];
  const uint32_t number = d.first_sample + static_cast<uint32_t>(sample);
  for (int64_t first = 0; first < d.size; first += kBatch) {
    cpu::random_words(d.key, step, number, first / 4, words);
    const int64_t count = std::min(kBatch, d.size - first);
    for (int64_t i = 0; i < count; i += 2)
      normal_pair(words[i], words[i + 1], eps + i, eps + i + 1);
    for (int64_t i = 0; i < count; ++i) body(first + i, eps[i]);
  }
}

std::shared_ptr<Kernel> forward(const VariationalDesc& d, int threads) {
  const size_t scratch_bytes = static_cast<size_t>(d.n) * sizeof(double);
  return cpu::loop_kernel(4, scratch_bytes, [=](Args a, void* scratch) {
    double* divergence = static_cast<double*>(scratch);
    const int64_t step = *a.counter(3);
    cpu::parallel_for(threads, d.n, [&](int64_t i) {
      const float *mu = a.real(2) + i * 2 * d.size, *v = mu + d.size;
      float* z = a.real(0) + i * d.size;
      divergence[i] = 0;
      for_each_latent(d, step, i, [&](int64_t e, float eps) {
        const LatentTerm term{mu[e], v[e]};
        z[e] = term.sample(eps);
        divergence[i] += static_cast<double>(term.divergence());
      });
    });
    *a.real(1) = static_cast<float>(cpu::tree_sum(divergence, d.n) / static_cast<double>(d.n));
  });
}

std::shared_ptr<Kernel> backward(const VariationalDesc& d, int threads) {
  const float weight = static_cast<float>(static_cast<double>(d.scale) / static_cast<double>(d.n));
  return cpu::loop_kernel(4, 0, [=](Args a, void*) {
    const int64_t step = *a.counter(3);
    cpu::parallel_for(threads, d.n, [&](int64_t i) {
      const float *mu = a.real(1) + i * 2 * d.size, *v = mu + d.size, *dz = a.real(2) + i * d.size;
      float *dmu = a.real(0) + i * 2 * d.size, *dv = dmu + d.size;
      for_each_latent(d, step, i, [&](int64_t e, float eps) {
        const LatentTerm term{mu[e], v[e]};
        dmu[e] = term.dmu(dz[e], weight);
        dv[e] = term.dv(dz[e], eps, weight);
      });
    });
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_variational(const VariationalDesc& d, VariationalPass pass) {
  return pass == VariationalPass::kForward ? forward(d, threads()) : backward(d, threads());
}

}  // namespace gantry
