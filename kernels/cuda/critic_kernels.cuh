// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/critic_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/reduce_kernels.cuh"
#include "kernels/cuda/samples_kernels.cuh"

namespace gantry::cuda {

struct ReconstructionArrays {
  float *dy, *dx;               // dx: or null
  const float *y, *x, *weight;  // weight: or null
};

// What is common to all elements of a batch: the scale of a sample's loss.
struct ReconstructionScale {
  double scale, samples;
  const float* weight;
  __device__ double operator()() const {
    return scale * (weight ? static_cast<double>(*weight) : 1) / samples;
  }
};

// A block per sample: its energy says whether it is inside the margin, and it is read again from a
// cache. partial: losses of all samples, their energies, which are active. In f64: what is left of
// margin - energy must keep its digits.
template <ReconstructionDesc::Kind kKind, bool kAligned>
__global__ void __launch_bounds__(1024)
    reconstruction_kernel(ReconstructionDesc d, Samples samples, ReconstructionArrays a,
                          ReconstructionScale scale, double* partial) {
  GANTRY_SHARED_ARRAY(float, slope, 1);
  const int64_t n = blockIdx.x, first = n * samples.size, size = samples.size;
  const double each = d.mean ? 1 / static_cast<double>(size) : 1;
  double total[1] = {};
  for (int64_t quad = threadIdx.x; 4 * quad < size; quad += blockDim.x) {
    const auto y = load_quad<kAligned>(a.y + first, size, quad);
    const auto x = load_quad<kAligned>(a.x + first, size, quad);
    for (int j = 0; j < 4; ++j)
      total[0] += residual_energy<kKind>(static_cast<double>(y.v[j]) - static_cast<double>(x.v[j]));
  }
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) {
    const double energy = each * total[0];
    const EnergyLoss loss = energy_loss(d, energy);
    slope[0] = static_cast<float>(scale() * each * loss.slope);
    partial[n] = loss.value;
    partial[samples.count + n] = energy;
    partial[2 * samples.count + n] = loss.slope != 0 ? 1 : 0;
  }
  __syncthreads();
  const float by = slope[0];
  for (int64_t quad = threadIdx.x; 4 * quad < size; quad += blockDim.x) {
    const auto y = load_quad<kAligned>(a.y + first, size, quad);
    auto x = load_quad<kAligned>(a.x + first, size, quad);
    for (int j = 0; j < 4; ++j) x.v[j] = by * residual_slope<kKind>(y.v[j] - x.v[j]);
    store_quad<kAligned>(a.dy + first, size, quad, x);
    if (!a.dx) continue;
    for (int j = 0; j < 4; ++j) x.v[j] = -x.v[j];
    store_quad<kAligned>(a.dx + first, size, quad, x);
  }
}

struct WriteReconstruction {
  float *value, *energy, *active;
  ReconstructionScale scale;
  __device__ void operator()(const double (&total)[3]) const {
    *value = static_cast<float>(scale() * total[0]);
    *energy = static_cast<float>(total[1] / scale.samples);
    *active = static_cast<float>(total[2] / scale.samples);
  }
};

// lengths[i] = max(|s_i|, 1e-12); a block per code.
static __global__ void __launch_bounds__(256)
    code_lengths_kernel(double* lengths, const float* s, int64_t size) {
  const float* own = s + blockIdx.x * size;
  double total[1] = {};
  for (int64_t k = threadIdx.x; k < size; k += blockDim.x)
    total[0] += static_cast<double>(own[k]) * static_cast<double>(own[k]);
  join_block<JoinSum>(total);
  if (threadIdx.x > 0) return;
  const double length = sqrt(total[0]);
  lengths[blockIdx.x] = length > 1e-12 ? length : 1e-12;
}

// A block per code i. Its warps find the cosines with the others, and from them what each other
// code adds to the gradient (weights: n of the block's own); its threads then add that up.
// partial[i]: sum of squared cosines.
static __global__ void __launch_bounds__(256)
    pull_away_kernel(float* ds, const float* s, Samples codes, double scale, const double* lengths,
                     float* weights, double* partial) {
  const int64_t i = blockIdx.x, n = codes.count, size = codes.size;
  const int64_t lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
  const float* own = s + i * size;
  float* weight = weights + i * n;
  double total[1] = {};
  for (int64_t j = threadIdx.x / kWarp; j < n; j += warps) {
    if (j == i) continue;
    const float* other = s + j * size;
    double dot = 0;
    for (int64_t k = lane; k < size; k += kWarp)
      dot += static_cast<double>(own[k]) * static_cast<double>(other[k]);
    for (int step = kWarp / 2; step > 0; step /= 2) dot += __shfl_xor_sync(kAllLanes, dot, step);
    if (lane > 0) continue;
    const double both = lengths[i] * lengths[j], cosine = dot / both;
    total[0] += cosine * cosine;
    weight[j] = static_cast<float>(4 * scale * cosine / both);
  }
  join_block<JoinSum>(total);
  if (threadIdx.x == 0) {
    partial[i] = total[0];
    weight[i] = static_cast<float>(-4 * scale * total[0] / (lengths[i] * lengths[i]));
  }
  __syncthreads();
  for (int64_t k = threadIdx.x; k < size; k += blockDim.x) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += weight[j] * s[j * size + k];
    ds[i * size + k] = sum;
  }
}

static __global__ void equilibrium_kernel(EquilibriumDesc d, float* measure, float* after, float* k,
                                          const float* real, const float* fake) {
  if (threadIdx.x > 0) return;
  const double r = static_cast<double>(*real), f = static_cast<double>(*fake);
  *measure = static_cast<float>(convergence_measure(d, r, f));
  *after = *k = static_cast<float>(next_equilibrium(d, static_cast<double>(*k), r, f));
}

struct FeatureMeans {
  const double *fake, *real;  // sums
  double per_fake, per_real;  // 1 / samples
};

// A thread per feature: its part of the value, and the slope that all samples share.
template <typename Finish>
__global__ void __launch_bounds__(256)
    feature_match_kernel(FeatureMatchDesc d, FeatureMeans means, int64_t size, float* slopes,
                         double* partial, Finish finish) {
  const bool squared = d.kind == FeatureMatchDesc::Kind::kSquared;
  const double each = squared ? 1 : 1 / static_cast<double>(size);
  double total[1] = {};
  for (int64_t k = thread_in_grid(); k < size; k += threads_in_grid()) {
    const double gap = means.per_fake * means.fake[k] - means.per_real * means.real[k];
    total[0] += each * (squared ? gap * gap : fabs(gap));
    const double slope = each * (squared ? 2 * gap : sign_of(gap));
    slopes[k] = static_cast<float>(static_cast<double>(d.scale) * slope * means.per_fake);
  }
  end_reduction<JoinSum>(total, partial, finish);
}

// y = row, repeated; for map_kernel without inputs.
struct RepeatRow {
  const float* row;
  Divisor size;
  __device__ void operator()(int64_t i, const float (&)[1], float (&y)[1]) const {
    y[0] = row[size.split(i)];
  }
};

}  // namespace gantry::cuda
