// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/common/random_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/philox_lanes.h"

namespace gantry {
namespace {

using cpu::Args;

constexpr int64_t kBatch = 4 * cpu::kQuads;  // elements drawn at once

// Calls body(first, count, words) for every kBatch consecutive elements of a sample, the last
// perhaps fewer; `first` is the place of the first of them in the tensor.
template <typename Body>
void for_each_batch(int threads, const Shape& shape, RandomKey key, uint32_t first_sample,
                    int64_t step, const Body& body) {
  const int64_t per_sample = shape.per_sample(), batches = (per_sample + kBatch - 1) / kBatch;
  const cpu::Pieces pieces{shape.n * batches, 16};
  cpu::parallel_for(threads, pieces.count(), [&](int64_t piece) {
    uint32_t words[kBatch];
    for (int64_t i = pieces.begin(piece); i < pieces.end(piece); ++i) {
      const int64_t n = i / batches, e = i % batches * kBatch;
      cpu::random_words(key, step, first_sample + static_cast<uint32_t>(n), e / 4, words);
      body(n * per_sample + e, std::min(kBatch, per_sample - e), words);
    }
  });
}

// Standard normals of the first `count` words of a batch; room for one more.
void normals(const uint32_t* words, int64_t count, float* normal) {
  for (int64_t i = 0; i < count; i += 2)
    normal_pair(words[i], words[i + 1], normal + i, normal + i + 1);
}

void fill(const RandomDesc& d, const uint32_t* words, int64_t count, float* y) {
  if (d.kind == RandomDesc::Kind::kNormal) {
    float normal[kBatch];
    normals(words, count, normal);
    for (int64_t i = 0; i < count; ++i) y[i] = d.a + d.b * normal[i];
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const float u = uniform01(words[i]);
    if (d.kind == RandomDesc::Kind::kUniform) y[i] = uniform_between(d.a, d.b, u);
    if (d.kind == RandomDesc::Kind::kBernoulli) y[i] = u < d.a ? 1.0f : 0.0f;
    if (d.kind == RandomDesc::Kind::kCategorical)
      y[i] = static_cast<float>(std::floor(static_cast<double>(u) * static_cast<double>(d.a)));
  }
}

void drop(float rate, float scale, const uint32_t* words, int64_t count, const float* x, float* y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = uniform01(words[i]) < rate ? 0.0f : x[i] * scale;
}

}  // namespace

CpuKernels::Made CpuKernels::make_random(const RandomDesc& d) {
  return cpu::loop_kernel(2, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    for_each_batch(threads, d.y, d.key, d.first_sample, *a.counter(1),
                   [&](int64_t first, int64_t count, const uint32_t* words) {
                     fill(d, words, count, y + first);
                   });
  });
}

CpuKernels::Made CpuKernels::make_dropout(const DropoutDesc& d) {
  return cpu::loop_kernel(3, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    const float* x = a.real(1);
    const float scale = static_cast<float>(1 / (1 - static_cast<double>(d.rate)));
    for_each_batch(threads, d.x, d.key, d.first_sample, *a.counter(2),
                   [&](int64_t first, int64_t count, const uint32_t* words) {
                     drop(d.rate, scale, words, count, x + first, y + first);
                   });
  });
}

CpuKernels::Made CpuKernels::make_target(const TargetDesc& d) {
  return cpu::loop_kernel(2, 0, [d](Args a, void*) {
    float* t = a.real(0);
    const int64_t step = *a.counter(1);
    for (int64_t n = 0; n < d.n; ++n) {
      const uint32_t sample = d.first_sample + static_cast<uint32_t>(n);
      const PhiloxBlock block = random_block(d.key, static_cast<uint64_t>(step), sample, 0);
      const float centre = uniform01(block.v[1]) < d.flip ? d.flipped : d.base;
      t[n] = centre + d.soft * uniform01(block.v[0]);
    }
  });
}

CpuKernels::Made CpuKernels::make_instance_noise(const InstanceNoiseDesc& d) {
  return cpu::loop_kernel(3, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    const float* x = a.real(1);
    const int64_t step = *a.counter(2);
    const float s = static_cast<float>(static_cast<double>(d.sigma) * noise_left(step, d.until));
    for_each_batch(threads, d.x, d.key, d.first_sample, step,
                   [&](int64_t first, int64_t count, const uint32_t* words) {
                     float normal[kBatch];
                     normals(words, count, normal);
                     for (int64_t i = 0; i < count; ++i)
                       y[first + i] = x[first + i] + s * normal[i];
                   });
  });
}

}  // namespace gantry
