// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/resample_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;
using cuda::kMapWidth;

int narrow(int64_t x) { return static_cast<int>(x); }

// {out | in}
template <typename Axis>
std::shared_ptr<Kernel> resample(const Shape& out, const Shape& in, const Axis& vertical,
                                 const Axis& horizontal) {
  return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
    const bool packs = out.c % kMapWidth == 0 && cuda::aligned_to_pack(a.real(0)) &&
                       cuda::aligned_to_pack(a.real(1));
    const cuda::PackGrid grid(out, packs ? kMapWidth : 1);
    const auto kernel =
        packs ? cuda::resample_kernel<kMapWidth, Axis> : cuda::resample_kernel<1, Axis>;
    cuda::launch(kernel, cuda::one_thread_each(grid.items()), stream, grid, a.real(0), a.real(1),
                 cuda::Extents(in), vertical, horizontal);
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_upsample(const UpsampleDesc& d, LinearPass pass) {
  const Shape y{d.x.n, d.x.c, d.x.h * d.factor, d.x.w * d.factor};
  const int factor = narrow(d.factor), h = narrow(d.x.h), w = narrow(d.x.w);
  const bool forward = pass == LinearPass::kForward;
  if (d.kind == UpsampleDesc::Kind::kNearest) {
    if (forward)
      return resample(y, d.x, cuda::NearestForward{factor}, cuda::NearestForward{factor});
    return resample(d.x, y, cuda::NearestBackward{factor}, cuda::NearestBackward{factor});
  }
  if (forward)
    return resample(y, d.x, cuda::BilinearForward{factor, h}, cuda::BilinearForward{factor, w});
  return resample(d.x, y, cuda::BilinearBackward{factor, h}, cuda::BilinearBackward{factor, w});
}

CudaKernels::Made CudaKernels::make_pad(const PadDesc& d, LinearPass pass) {
  const bool reflect = d.kind == PadDesc::Kind::kReflect;
  const int top = narrow(d.top), left = narrow(d.left), h = narrow(d.x.h), w = narrow(d.x.w);
  const Shape y = d.y();
  if (pass == LinearPass::kForward)
    return resample(y, d.x, cuda::PadForward{top, h, reflect}, cuda::PadForward{left, w, reflect});
  return resample(d.x, y, cuda::PadBackward{top, h, narrow(y.h), reflect},
                  cuda::PadBackward{left, w, narrow(y.w), reflect});
}

namespace {

template <bool kForward>
void launch_concat(Stream& stream, const cuda::ConcatParts& parts, int count, float* whole,
                   int64_t pixels, int channels) {
  bool packs = channels % kMapWidth == 0 && cuda::aligned_to_pack(whole);
  int most = 1;
  for (int i = 0; i < count; ++i) {
    packs = packs && parts.channels[i] % kMapWidth == 0 && parts.first[i] % kMapWidth == 0 &&
            cuda::aligned_to_pack(parts.part[i]);
    most = std::max(most, parts.channels[i]);
  }
  cuda::LaunchShape shape = cuda::one_thread_each(pixels * most / (packs ? kMapWidth : 1));
  shape.grid.y = static_cast<unsigned>(count);
  const auto kernel =
      packs ? cuda::concat_kernel<kMapWidth, kForward> : cuda::concat_kernel<1, kForward>;
  cuda::launch(kernel, shape, stream, parts, whole, pixels, channels);
}

}  // namespace

CudaKernels::Made CudaKernels::make_channel_concat(const ConcatDesc& d, LinearPass pass) {
  const int64_t pixels = d.x.front().n * d.x.front().pixels();
  int channels = 0;
  for (const Shape& x : d.x) channels += narrow(x.c);
  const bool forward = pass == LinearPass::kForward;
  return cuda::launched(1 + d.x.size(), 0, [=](Stream& stream, const Args& a) {
    float* const whole = a.real(forward ? 0 : d.x.size());
    int first = 0;
    for (size_t begin = 0; begin < d.x.size(); begin += cuda::ConcatParts::kMost) {
      cuda::ConcatParts parts{};
      const size_t count = std::min<size_t>(cuda::ConcatParts::kMost, d.x.size() - begin);
      for (size_t i = 0; i < count; ++i) {
        parts.part[i] = a.real(begin + i + (forward ? 1 : 0));
        parts.channels[i] = narrow(d.x[begin + i].c);
        parts.first[i] = first;
        first += parts.channels[i];
      }
      const auto launch = forward ? launch_concat<true> : launch_concat<false>;
      launch(stream, parts, narrow(static_cast<int64_t>(count)), whole, pixels, channels);
    }
  });
}

}  // namespace gantry
