// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/virtual_norm_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;

size_t room_bytes(const VirtualNormDesc& d, int64_t kinds) {
  return static_cast<size_t>((d.x.n * kinds + 2) * d.x.c) * sizeof(double);
}

cuda::VirtualNormRoom room_of(const VirtualNormDesc& d, int kinds, const Args& a) {
  return {a.scratch<double>(), static_cast<int>(d.x.n), static_cast<int>(d.reference),
          static_cast<int>(d.x.c), kinds};
}

cuda::VirtualNormPlaces places_of(const VirtualNormDesc& d) {
  return {cuda::Divisor(d.x.c), cuda::Divisor(d.x.pixels())};
}

// Channels by warps across, samples down.
cuda::LaunchShape per_sample(const VirtualNormDesc& d) {
  const int64_t tiles = (d.x.c + cuda::kWarp - 1) / cuda::kWarp;
  return {dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(d.x.n)), cuda::kBlock, 0};
}

std::shared_ptr<Kernel> forward(const VirtualNormDesc& d) {
  const int pixels = static_cast<int>(d.x.pixels());
  return cuda::launched(6, room_bytes(d, 2), [=](Stream& stream, const Args& a) {
    const cuda::VirtualNormRoom room = room_of(d, 2, a);
    cuda::launch(cuda::virtual_moments_kernel, per_sample(d), stream, room, a.real(3), pixels);
    cuda::launch(cuda::virtual_reference_kernel, cuda::one_thread_each(d.x.c), stream, room);
    cuda::launch(cuda::virtual_stats_kernel, cuda::one_thread_each(d.stats().elements()), stream,
                 room, a.real(1), a.real(2), static_cast<double>(d.eps));
    cuda::launch_map<1, 1>(
        stream, {{a.real(0)}}, {{a.real(3)}}, d.x.elements(),
        cuda::VirtualNormForward{room, places_of(d), a.real(4), a.real(5), a.real(1), a.real(2)});
  });
}

std::shared_ptr<Kernel> backward(const VirtualNormDesc& d, bool parameters) {
  const size_t in = parameters ? 3 : 1;
  const int pixels = static_cast<int>(d.x.pixels());
  return cuda::launched(in + 5, room_bytes(d, 5), [=](Stream& stream, const Args& a) {
    const cuda::VirtualNormRoom room = room_of(d, 5, a);
    const float *x = a.real(in), *dy = a.real(in + 1), *gamma = a.real(in + 2);
    const float *mean = a.real(in + 3), *rstd = a.real(in + 4);
    cuda::launch(cuda::virtual_sums_kernel, per_sample(d), stream, room,
                 cuda::VirtualNormSums{x, dy, mean}, pixels);
    cuda::launch(cuda::virtual_deltas_kernel, cuda::one_thread_each(d.x.c), stream, room,
                 cuda::VirtualNormParameters{gamma, mean, rstd, parameters ? a.real(1) : nullptr,
                                             parameters ? a.real(2) : nullptr, d.accumulate});
    cuda::launch_map<1, 2>(stream, {{a.real(0)}}, {{x, dy}}, d.x.elements(),
                           cuda::VirtualNormBackward{room, places_of(d), gamma, mean, rstd});
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_virtual_norm(const VirtualNormDesc& d, VirtualNormPass pass) {
  if (pass == VirtualNormPass::kForward) return forward(d);
  return backward(d, pass == VirtualNormPass::kBackward);
}

}  // namespace gantry
