// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/activation_math.h"
#include "kernels/common/variational_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/reduce_kernels.cuh"
#include "kernels/ops/variational.h"

namespace gantry::cuda {

using LatentTerm = VariationalTerm<LibraryMath, float>;

// A thread per quad of latents of a sample, which share a block of words.
struct Latents {
  VariationalDesc d;
  Divisor quads;  // of a sample
  int64_t items;

  // Sample of the item, which becomes the quad in it; eps: the noise of its four latents.
  __device__ int64_t draw(int64_t step, int64_t& item, float (&eps)[4]) const {
    int64_t n = item;
    item = quads.split(n);
    const PhiloxBlock block =
        random_block(d.key, static_cast<uint64_t>(step), d.first_sample + static_cast<uint32_t>(n),
                     static_cast<uint32_t>(item));
    normal_pair(block.v[0], block.v[1], &eps[0], &eps[1]);
    normal_pair(block.v[2], block.v[3], &eps[2], &eps[3]);
    return n;
  }
};

template <typename Finish>
__global__ void __launch_bounds__(256, 4)
    variational_kernel(Latents latents, float* z, const float* h, const int64_t* step,
                       double* partial, Finish finish) {
  const int64_t size = latents.d.size;
  double total[1] = {};
  for (int64_t i = thread_in_grid(); i < latents.items; i += threads_in_grid()) {
    int64_t quad = i;
    float eps[4];
    const int64_t n = latents.draw(*step, quad, eps);
    for (int j = 0; j < 4; ++j) {
      const int64_t e = 4 * quad + j;
      if (e >= size) break;
      const LatentTerm term{h[2 * n * size + e], h[(2 * n + 1) * size + e]};
      z[n * size + e] = term.sample(eps[j]);
      total[0] += static_cast<double>(term.divergence());
    }
  }
  end_reduction<JoinSum>(total, partial, finish);
}

static __global__ void __launch_bounds__(256, 4)
    variational_backward_kernel(Latents latents, float weight, float* dh, const float* h,
                                const float* dz, const int64_t* step) {
  const int64_t size = latents.d.size;
  for (int64_t i = thread_in_grid(); i < latents.items; i += threads_in_grid()) {
    int64_t quad = i;
    float eps[4];
    const int64_t n = latents.draw(*step, quad, eps);
    for (int j = 0; j < 4; ++j) {
      const int64_t e = 4 * quad + j;
      if (e >= size) break;
      const LatentTerm term{h[2 * n * size + e], h[(2 * n + 1) * size + e]};
      const float delta = dz[n * size + e];
      dh[2 * n * size + e] = term.dmu(delta, weight);
      dh[(2 * n + 1) * size + e] = term.dv(delta, eps[j], weight);
    }
  }
}

}  // namespace gantry::cuda
