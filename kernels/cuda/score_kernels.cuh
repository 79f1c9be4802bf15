// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/score_math.h"
#include "kernels/cuda/reduce_kernels.cuh"

namespace gantry::cuda {

// For map_reduce_kernel. total: the sum of the losses.
struct LecamElement {
  LecamDesc d;
  double slope;  // of a squared excess, for an element of the mean
  const float* anchor;
  const int64_t* step;
  __device__ void operator()(int64_t, const float (&y)[1], float (&dy)[1],
                             double (&total)[1]) const {
    const double excess =
        *step < d.start ? 0
                        : lecam_excess(d, static_cast<double>(y[0]), static_cast<double>(*anchor));
    total[0] += excess * excess;
    dy[0] = static_cast<float>(slope * excess);
  }
};

static __global__ void moving_average_kernel(MovingAverageDesc d, float* after, float* average,
                                             const float* value, const int64_t* step) {
  if (threadIdx.x > 0) return;
  *average = static_cast<float>(
      next_average(d, static_cast<double>(*average), static_cast<double>(*value), *step));
  *after = *average;
}

// One block. scores: scratch for those of all samples.
static __global__ void __launch_bounds__(256)
    top_k_kernel(TopKDesc d, int64_t patches, float* w, float* share, const float* y,
                 const int64_t* step, double* scores) {
  const int64_t n = d.y.n, k = top_count(d, *step);
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) scores[i] = score_of_sample(y, patches, i);
  __syncthreads();
  const float weight = static_cast<float>(static_cast<double>(n) / static_cast<double>(k));
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
    w[i] = among_top(scores, n, i, k) ? weight : 0;
  if (threadIdx.x == 0)
    *share = static_cast<float>(static_cast<double>(k) / static_cast<double>(n));
}

struct SignTerm {
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[1]) const {
    total[0] += static_cast<double>(x[0] > 0) - static_cast<double>(x[0] < 0);
  }
};
struct Adapt {
  AdaptiveProbabilityDesc d;
  double patches;
  float *rt, *after, *p, *tally;
  __device__ void operator()(const double (&total)[1]) const {
    const AdaptiveState state{static_cast<double>(*p), static_cast<double>(tally[0]),
                              static_cast<double>(tally[1])};
    const AdaptiveStep step = adapt(d, state, total[0] / patches);
    *rt = static_cast<float>(step.rt);
    *p = static_cast<float>(step.next.p);
    *after = *p;
    tally[0] = static_cast<float>(step.next.signs);
    tally[1] = static_cast<float>(step.next.samples);
  }
};

}  // namespace gantry::cuda
