// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/penalty_math.h"
#include "kernels/cuda/reduce_kernels.cuh"
#include "kernels/cuda/samples_kernels.cuh"
#include "kernels/ops/penalty.h"

namespace gantry::cuda {

__device__ inline float share_of(RandomKey key, int64_t step, uint32_t sample) {
  return uniform01(random_block(key, static_cast<uint64_t>(step), sample, 0).v[0]);
}

template <bool kAligned>
__global__ void __launch_bounds__(256)
    interpolate_kernel(InterpolateDesc d, Samples samples, float* y, const float* x, const float* z,
                       const int64_t* step) {
  for (int64_t n = blockIdx.y; n < samples.count; n += gridDim.y) {
    const float a = share_of(d.key, *step, d.first_sample + static_cast<uint32_t>(n));
    const int64_t first = n * samples.size;
    for (int64_t quad = thread_in_grid(); 4 * quad < samples.size; quad += threads_in_grid()) {
      auto to = load_quad<kAligned>(x + first, samples.size, quad);
      const auto from = load_quad<kAligned>(z + first, samples.size, quad);
      for (int j = 0; j < 4; ++j) to.v[j] = a * to.v[j] + (1 - a) * from.v[j];
      store_quad<kAligned>(y + first, samples.size, quad, to);
    }
  }
}

template <bool kAligned>
__global__ void __launch_bounds__(256)
    perturb_kernel(PerturbDesc d, Samples samples, float* y, const float* x, const float* deviation,
                   const int64_t* step) {
  for (int64_t n = blockIdx.y; n < samples.count; n += gridDim.y) {
    const uint32_t sample = d.first_sample + static_cast<uint32_t>(n);
    const float reach = share_of(d.key, *step, sample) * (d.spread * *deviation);
    const int64_t first = n * samples.size;
    for (int64_t quad = thread_in_grid(); 4 * quad < samples.size; quad += threads_in_grid()) {
      const PhiloxBlock block = random_block(d.noise_key, static_cast<uint64_t>(*step), sample,
                                             static_cast<uint32_t>(quad));
      auto pack = load_quad<kAligned>(x + first, samples.size, quad);
      for (int j = 0; j < 4; ++j) pack.v[j] += reach * uniform01(block.v[j]);
      store_quad<kAligned>(y + first, samples.size, quad, pack);
    }
  }
}

struct WriteMean {
  double* mean;
  double size;
  __device__ void operator()(const double (&total)[1]) const { *mean = total[0] / size; }
};
struct DeviationTerm {
  const double* mean;
  __device__ void operator()(int64_t, const float (&x)[1], float (&)[1], double (&total)[1]) const {
    const double difference = static_cast<double>(x[0]) - __ldg(mean);
    total[0] += difference * difference;
  }
};
struct WriteDeviation {
  float* deviation;
  double size;
  __device__ void operator()(const double (&total)[1]) const {
    *deviation = static_cast<float>(sqrt(total[0] / size));
  }
};

// A block per sample, which reads it twice, the second time from a cache. partial: the penalties of
// all samples, then their norms.
template <bool kAligned>
__global__ void __launch_bounds__(1024)
    gradient_penalty_kernel(GradientPenaltyDesc d, Samples samples, float* v, const float* g,
                            double* partial) {
  GANTRY_SHARED_ARRAY(float, slope, 1);
  const int64_t n = blockIdx.x, first = n * samples.size;
  double total[1] = {};
  for (int64_t quad = threadIdx.x; 4 * quad < samples.size; quad += blockDim.x) {
    const auto x = load_quad<kAligned>(g + first, samples.size, quad);
    for (int j = 0; j < 4; ++j)
      total[0] += static_cast<double>(x.v[j]) * static_cast<double>(x.v[j]);
  }
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) {
    const auto term = penalty_term(d.kind, static_cast<double>(d.target), total[0]);
    const double weight = static_cast<double>(d.scale) / static_cast<double>(samples.count);
    slope[0] = static_cast<float>(weight * term.slope);
    partial[n] = term.value;
    partial[samples.count + n] = sqrt(total[0]);
  }
  __syncthreads();
  const float by = slope[0];
  for (int64_t quad = threadIdx.x; 4 * quad < samples.size; quad += blockDim.x) {
    auto x = load_quad<kAligned>(g + first, samples.size, quad);
    for (int j = 0; j < 4; ++j) x.v[j] *= by;
    store_quad<kAligned>(v + first, samples.size, quad, x);
  }
}

struct WritePenalty {
  float *value, *norm;
  double scale, samples;
  __device__ void operator()(const double (&total)[2]) const {
    *value = static_cast<float>(scale / samples * total[0]);
    *norm = static_cast<float>(total[1] / samples);
  }
};

}  // namespace gantry::cuda
