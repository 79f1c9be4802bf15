// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/common/virtual_norm_math.h"
#include "kernels/cuda/divisor.cuh"
#include "kernels/cuda/map_kernels.cuh"

namespace gantry::cuda {

// Sums per sample and channel, `kinds` rows of channels for each sample, then rows that belong to
// all samples; in f64.
struct VirtualNormRoom {
  double* base;
  int samples, reference, channels, kinds;

  __device__ double& of(int sample, int kind, int c) const {
    return base[(int64_t{sample} * kinds + kind) * channels + c];
  }
  __device__ double& shared(int row, int c) const {
    return base[(int64_t{samples} * kinds + row) * channels + c];
  }
  // Row of the statistics that sample i is normalised with, and the weight of its own.
  __device__ int64_t stats(int i, int c) const {
    return int64_t{i < reference ? 0 : 1 + i - reference} * channels + c;
  }
  __device__ double own_weight(int i) const { return i < reference ? 0 : 1.0 / (reference + 1); }
};

// Blocks of 8 warps: lanes are channels, warps share the pixels of a sample. Returns the sum over
// the block's warps of what a channel's lanes bring, to all of them.
__device__ inline double sum_over_warps(double value, double* of_warp) {
  const unsigned lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
  __syncthreads();  // what an earlier sum left has been read
  of_warp[threadIdx.x] = value;
  __syncthreads();
  double sum = 0;
  for (unsigned w = 0; w < warps; ++w) sum += of_warp[w * kWarp + lane];
  return sum;
}

// Kinds 0 and 1: mean and variance of each sample and channel.
static __global__ void __launch_bounds__(256)
    virtual_moments_kernel(VirtualNormRoom room, const float* x, int pixels) {
  GANTRY_SHARED_ARRAY(double, of_warp, 256);
  const int i = static_cast<int>(blockIdx.y), warp = static_cast<int>(threadIdx.x / kWarp);
  const int c = static_cast<int>(blockIdx.x * kWarp + threadIdx.x % kWarp);
  const int warps = static_cast<int>(blockDim.x / kWarp);
  const float* own = x + int64_t{i} * pixels * room.channels + c;
  const bool inside = c < room.channels;
  double sum = 0;
  for (int p = warp; inside && p < pixels; p += warps)
    sum += static_cast<double>(own[int64_t{p} * room.channels]);
  const double mean = sum_over_warps(sum, of_warp) / pixels;
  double squares = 0;
  for (int p = warp; inside && p < pixels; p += warps) {
    const double gap = static_cast<double>(own[int64_t{p} * room.channels]) - mean;
    squares += gap * gap;
  }
  const double variance = sum_over_warps(squares, of_warp) / pixels;
  if (warp > 0 || !inside) return;
  room.of(i, 0, c) = mean;
  room.of(i, 1, c) = variance;
}

// Shared rows 0 and 1: mean and variance of the reference. A thread per channel.
static __global__ void __launch_bounds__(256) virtual_reference_kernel(VirtualNormRoom room) {
  const int c = static_cast<int>(thread_in_grid());
  if (c >= room.channels) return;
  double mean = 0, variance = 0;
  for (int i = 0; i < room.reference; ++i) mean += room.of(i, 0, c);
  mean /= room.reference;
  for (int i = 0; i < room.reference; ++i) {
    const double gap = room.of(i, 0, c) - mean;
    variance += room.of(i, 1, c) + gap * gap;
  }
  room.shared(0, c) = mean;
  room.shared(1, c) = variance / room.reference;
}

// The statistics of the reference (by its last sample) and of every other sample.
static __global__ void __launch_bounds__(256)
    virtual_stats_kernel(VirtualNormRoom room, float* mean, float* rstd, double eps) {
  const int64_t item = thread_in_grid();
  const int c = static_cast<int>(item % room.channels);
  const int i = room.reference - 1 + static_cast<int>(item / room.channels);
  if (i >= room.samples) return;
  const VirtualMoments m = virtual_moments(room.own_weight(i), room.shared(0, c), room.shared(1, c),
                                           room.of(i, 0, c), room.of(i, 1, c));
  mean[room.stats(i, c)] = static_cast<float>(m.mean);
  rstd[room.stats(i, c)] = static_cast<float>(1 / sqrt(m.variance + eps));
}

// For map_kernel: sample and channel of an element.
struct VirtualNormPlaces {
  Divisor channels, pixels;
  __device__ int sample_of(int64_t element, int& c) const {
    c = static_cast<int>(channels.split(element));
    pixels.split(element);
    return static_cast<int>(element);
  }
};

struct VirtualNormForward {
  VirtualNormRoom room;
  VirtualNormPlaces places;
  const float *gamma, *beta, *mean, *rstd;
  __device__ void operator()(int64_t i, const float (&x)[1], float (&y)[1]) const {
    int c;
    const int sample = places.sample_of(i, c);
    const int64_t row = room.stats(sample, c);
    y[0] = (x[0] - mean[row]) * (gamma[c] * rstd[row]) + beta[c];
  }
};

struct VirtualNormSums {
  const float *x, *dy, *mean;
};

// Kinds 0 to 2: own mean, sum dy, sum dy (x - m). Blocks as in virtual_moments_kernel.
static __global__ void __launch_bounds__(256)
    virtual_sums_kernel(VirtualNormRoom room, VirtualNormSums a, int pixels) {
  GANTRY_SHARED_ARRAY(double, of_warp, 256);
  const int i = static_cast<int>(blockIdx.y), warp = static_cast<int>(threadIdx.x / kWarp);
  const int c = static_cast<int>(blockIdx.x * kWarp + threadIdx.x % kWarp);
  const int warps = static_cast<int>(blockDim.x / kWarp);
  const bool inside = c < room.channels;
  const double m = inside ? static_cast<double>(a.mean[room.stats(i, c)]) : 0;
  double sum = 0, s1 = 0, s2 = 0;
  for (int p = warp; inside && p < pixels; p += warps) {
    const int64_t at = (int64_t{i} * pixels + p) * room.channels + c;
    const double value = static_cast<double>(a.x[at]), delta = static_cast<double>(a.dy[at]);
    sum += value;
    s1 += delta;
    s2 += delta * (value - m);
  }
  sum = sum_over_warps(sum, of_warp);
  s1 = sum_over_warps(s1, of_warp);
  s2 = sum_over_warps(s2, of_warp);
  if (warp > 0 || !inside) return;
  room.of(i, 0, c) = sum / pixels;
  room.of(i, 1, c) = s1;
  room.of(i, 2, c) = s2;
}

struct VirtualNormParameters {
  const float *gamma, *mean, *rstd;
  float *dgamma, *dbeta;  // or null
  bool accumulate;
};

// Kinds 3 and 4: what reaches a sample's own mean and variance; shared rows 0 and 1: what reaches
// the reference's; and the gradients of the parameters. A thread per channel.
static __global__ void __launch_bounds__(256)
    virtual_deltas_kernel(VirtualNormRoom room, VirtualNormParameters a) {
  const int c = static_cast<int>(thread_in_grid());
  if (c >= room.channels) return;
  const double g = static_cast<double>(a.gamma[c]), m0 = static_cast<double>(a.mean[c]);
  double mean = 0, variance = 0, dgamma = 0, dbeta = 0;
  for (int i = 0; i < room.samples; ++i) {
    const double r = static_cast<double>(a.rstd[room.stats(i, c)]);
    const double s1 = room.of(i, 1, c), s2 = room.of(i, 2, c);
    const VirtualDeltas t =
        virtual_deltas(room.own_weight(i), r, room.of(i, 0, c) - m0, g * s1, g * s2);
    mean += t.mean;
    variance += t.variance;
    dgamma += r * s2;
    dbeta += s1;
    room.of(i, 3, c) = t.own_mean;
    room.of(i, 4, c) = t.own_variance;
  }
  room.shared(0, c) = mean;
  room.shared(1, c) = variance;
  if (!a.dgamma) return;
  a.dgamma[c] = static_cast<float>((a.accumulate ? static_cast<double>(a.dgamma[c]) : 0) + dgamma);
  a.dbeta[c] = static_cast<float>((a.accumulate ? static_cast<double>(a.dbeta[c]) : 0) + dbeta);
}

// In f64: in small groups the two terms nearly cancel.
struct VirtualNormBackward {
  VirtualNormRoom room;
  VirtualNormPlaces places;
  const float *gamma, *mean, *rstd;
  // x: x, dy
  __device__ void operator()(int64_t at, const float (&x)[2], float (&dx)[1]) const {
    int c;
    const int i = places.sample_of(at, c);
    const bool fixed = i < room.reference;
    const double values = static_cast<double>(places.pixels.value()) * (fixed ? room.reference : 1);
    const double centre = fixed ? static_cast<double>(mean[c]) : room.of(i, 0, c);
    const double to_mean = fixed ? room.shared(0, c) : room.of(i, 3, c);
    const double to_variance = fixed ? room.shared(1, c) : room.of(i, 4, c);
    const double by_stats = to_mean + 2 * to_variance * (static_cast<double>(x[0]) - centre);
    const double direct = static_cast<double>(gamma[c]) *
                          static_cast<double>(rstd[room.stats(i, c)]) * static_cast<double>(x[1]);
    dx[0] = static_cast<float>(direct + by_stats / values);
  }
};

}  // namespace gantry::cuda
