// SPDX-License-Identifier: Apache-2.0
// Compiled without contraction to fused multiply-adds: what is drawn on the GPU is, but for the
// normals' last bits, what the CPU draws.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/random_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;
using cuda::Draws;

Draws draws(const Shape& shape, RandomKey key, uint32_t first_sample) {
  const int64_t quads = (shape.per_sample() + 3) / 4;
  return {key, first_sample, shape.per_sample(), cuda::Divisor(quads), shape.n * quads};
}

template <bool kInput, typename T, typename F>
void launch_draw(Stream& stream, const Draws& d, T* y, const T* x, const int64_t* step,
                 const F& f) {
  const cuda::LaunchShape shape = cuda::one_thread_each(d.items);
  const bool aligned =
      d.per_sample % 4 == 0 && cuda::aligned_to_pack(y) && cuda::aligned_to_pack(x);
  const auto kernel =
      aligned ? cuda::draw_kernel<true, kInput, T, F> : cuda::draw_kernel<false, kInput, T, F>;
  cuda::launch(kernel, shape, stream, d, y, x, step, f);
}

template <RandomDesc::Kind kKind>
std::shared_ptr<Kernel> filled(const RandomDesc& d) {
  const Draws all = draws(d.y, d.key, d.first_sample);
  return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
    launch_draw<false, float>(stream, all, a.real(0), nullptr, a.counter(1),
                              cuda::Draw<kKind>{d.a, d.b});
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_random(const RandomDesc& d) {
  switch (d.kind) {
    case RandomDesc::Kind::kNormal:
      return filled<RandomDesc::Kind::kNormal>(d);
    case RandomDesc::Kind::kUniform:
      return filled<RandomDesc::Kind::kUniform>(d);
    case RandomDesc::Kind::kBernoulli:
      return filled<RandomDesc::Kind::kBernoulli>(d);
    case RandomDesc::Kind::kCategorical:
      return filled<RandomDesc::Kind::kCategorical>(d);
  }
  return nullptr;
}

CudaKernels::Made CudaKernels::make_dropout(const DropoutDesc& d) {
  const Draws all = draws(d.x, d.key, d.first_sample);
  const cuda::Drop drop{d.rate, static_cast<float>(1 / (1 - static_cast<double>(d.rate)))};
  return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
    cuda::with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      launch_draw<true, T>(stream, all, a.as<T>(0), a.as<T>(1), a.counter(2), drop);
    });
  });
}

CudaKernels::Made CudaKernels::make_instance_noise(const InstanceNoiseDesc& d) {
  const Draws all = draws(d.x, d.key, d.first_sample);
  return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
    launch_draw<true, float>(stream, all, a.real(0), a.real(1), a.counter(2),
                             cuda::AddNoise{d.sigma, d.until});
  });
}

CudaKernels::Made CudaKernels::make_target(const TargetDesc& d) {
  return cuda::launched(2, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::target_kernel, cuda::one_thread_each(d.n), stream, d, a.real(0),
                 a.counter(1));
  });
}

CudaKernels::Made CudaKernels::make_one_hot(const OneHotDesc& d) {
  const int64_t size = d.n * d.classes;
  const cuda::Divisor classes(d.classes);
  return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
    cuda::launch(cuda::one_hot_kernel, cuda::one_thread_each(size), stream, size, classes,
                 a.real(0), a.real(1));
  });
}

}  // namespace gantry
