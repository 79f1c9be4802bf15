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
    cuda::with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      T* to = a.as<T>(0);
      const T* from = a.as<T>(1);
      const bool packs =
          out.c % kMapWidth == 0 && cuda::aligned_to_pack(to) && cuda::aligned_to_pack(from);
      const cuda::PackGrid grid(out, packs ? kMapWidth : 1);
      const auto kernel =
          packs ? cuda::resample_kernel<kMapWidth, Axis, T> : cuda::resample_kernel<1, Axis, T>;
      cuda::launch(kernel, cuda::one_thread_each(grid.items()), stream, grid, to, from,
                   cuda::Extents(in), vertical, horizontal);
    });
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

template <bool kForward, typename T>
void launch_concat(Stream& stream, const cuda::ConcatParts<T>& parts, int count, T* whole,
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
      packs ? cuda::concat_kernel<kMapWidth, kForward, T> : cuda::concat_kernel<1, kForward, T>;
  cuda::launch(kernel, shape, stream, parts, whole, pixels, channels);
}

// Up to ConcatParts::kMost parts a launch.
template <bool kForward, typename T>
void concat(const ConcatDesc& d, int64_t channels, Stream& stream, const Args& a) {
  constexpr size_t kMost = cuda::ConcatParts<T>::kMost;
  T* const whole = a.as<T>(kForward ? 0 : d.x.size());
  const int64_t pixels = d.x.front().n * d.x.front().pixels();
  int first = 0;
  for (size_t begin = 0; begin < d.x.size(); begin += kMost) {
    cuda::ConcatParts<T> parts{};
    const size_t count = std::min<size_t>(kMost, d.x.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      parts.part[i] = a.as<T>(begin + i + (kForward ? 1 : 0));
      parts.channels[i] = narrow(d.x[begin + i].c);
      parts.first[i] = first;
      first += parts.channels[i];
    }
    launch_concat<kForward, T>(stream, parts, narrow(static_cast<int64_t>(count)), whole, pixels,
                               narrow(channels));
  }
}

}  // namespace

CudaKernels::Made CudaKernels::make_channel_concat(const ConcatDesc& d, LinearPass pass) {
  int64_t channels = 0;
  for (const Shape& x : d.x) channels += x.c;
  const bool forward = pass == LinearPass::kForward;
  return cuda::launched(1 + d.x.size(), 0, [=](Stream& stream, const Args& a) {
    cuda::with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      forward ? concat<true, T>(d, channels, stream, a) : concat<false, T>(d, channels, stream, a);
    });
  });
}

}  // namespace gantry
