// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/common/random_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

// Calls body(first, count, quad) for every four consecutive elements of a sample, the last perhaps
// fewer; `first` is the place of the first of them in the tensor.
template <typename Body>
void for_each_quad(int threads, const Shape& shape, RandomKey key, uint32_t first_sample,
                   int64_t step, const Body& body) {
  const int64_t per_sample = shape.per_sample(), quads = (per_sample + 3) / 4;
  const cpu::Pieces pieces{shape.n * quads, 256};
  cpu::parallel_for(threads, pieces.count(), [&](int64_t piece) {
    for (int64_t i = pieces.begin(piece); i < pieces.end(piece); ++i) {
      const int64_t n = i / quads, e = i % quads * 4;
      const RandomQuad quad(key, step, first_sample + static_cast<uint32_t>(n), e / 4);
      body(n * per_sample + e, static_cast<int>(std::min<int64_t>(4, per_sample - e)), quad);
    }
  });
}

void fill(const RandomDesc& d, const RandomQuad& quad, int count, float* y) {
  if (d.kind == RandomDesc::Kind::kNormal) {
    float normal[4];
    quad.normals(normal);
    for (int i = 0; i < count; ++i) y[i] = d.a + d.b * normal[i];
    return;
  }
  for (int i = 0; i < count; ++i) {
    const float u = quad.uniform(i);
    if (d.kind == RandomDesc::Kind::kUniform) y[i] = uniform_between(d.a, d.b, u);
    if (d.kind == RandomDesc::Kind::kBernoulli) y[i] = u < d.a ? 1.0f : 0.0f;
    if (d.kind == RandomDesc::Kind::kCategorical)
      y[i] = static_cast<float>(std::floor(static_cast<double>(u) * static_cast<double>(d.a)));
  }
}

}  // namespace

CpuKernels::Made CpuKernels::make_random(const RandomDesc& d) {
  return cpu::loop_kernel(2, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    for_each_quad(
        threads, d.y, d.key, d.first_sample, *a.counter(1),
        [&](int64_t first, int count, const RandomQuad& quad) { fill(d, quad, count, y + first); });
  });
}

CpuKernels::Made CpuKernels::make_dropout(const DropoutDesc& d) {
  return cpu::loop_kernel(3, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    const float* x = a.real(1);
    const float scale = static_cast<float>(1 / (1 - static_cast<double>(d.rate)));
    for_each_quad(threads, d.x, d.key, d.first_sample, *a.counter(2),
                  [&](int64_t first, int count, const RandomQuad& quad) {
                    for (int i = 0; i < count; ++i)
                      y[first + i] = quad.uniform(i) < d.rate ? 0.0f : x[first + i] * scale;
                  });
  });
}

CpuKernels::Made CpuKernels::make_target(const TargetDesc& d) {
  return cpu::loop_kernel(2, 0, [d](Args a, void*) {
    float* t = a.real(0);
    const int64_t step = *a.counter(1);
    for (int64_t n = 0; n < d.n; ++n) {
      const RandomQuad quad(d.key, step, d.first_sample + static_cast<uint32_t>(n), 0);
      t[n] = (quad.uniform(1) < d.flip ? d.flipped : d.base) + d.soft * quad.uniform(0);
    }
  });
}

CpuKernels::Made CpuKernels::make_instance_noise(const InstanceNoiseDesc& d) {
  return cpu::loop_kernel(3, 0, [d, threads = threads()](Args a, void*) {
    float* y = a.real(0);
    const float* x = a.real(1);
    const int64_t step = *a.counter(2);
    const float s = static_cast<float>(static_cast<double>(d.sigma) * noise_left(step, d.until));
    for_each_quad(threads, d.x, d.key, d.first_sample, step,
                  [&](int64_t first, int count, const RandomQuad& quad) {
                    float normal[4];
                    quad.normals(normal);
                    for (int i = 0; i < count; ++i) y[first + i] = x[first + i] + s * normal[i];
                  });
  });
}

}  // namespace gantry
