// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/augment_kernels.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/samples.h"

namespace gantry {
namespace {

using cuda::Args;

int narrow(int64_t x) { return static_cast<int>(x); }

}  // namespace

CudaKernels::Made CudaKernels::make_augment_draw(const AugmentDrawDesc& d) {
  const int cut_h = narrow(cut_side(d.cutout, d.h)), cut_w = narrow(cut_side(d.cutout, d.w));
  return cuda::launched(d.adaptive ? 3 : 2, 0, [=](Stream& stream, const Args& a) {
    cuda::launch(cuda::augment_draw_kernel, cuda::one_thread_each(d.n), stream, d, cut_h, cut_w,
                 a.real(0), a.counter(1), d.adaptive ? a.real(2) : nullptr);
  });
}

CudaKernels::Made CudaKernels::make_augment(const AugmentDesc& d, LinearPass pass) {
  const cuda::AugmentSizes sizes{narrow(d.x.h), narrow(d.x.w), narrow(d.x.c),
                                 narrow(cut_side(d.cutout, d.x.h)),
                                 narrow(cut_side(d.cutout, d.x.w))};
  const auto kernel =
      pass == LinearPass::kForward ? cuda::augment_kernel<true> : cuda::augment_kernel<false>;
  const cuda::LaunchShape shape{dim3(static_cast<unsigned>(d.x.n)),
                                cuda::threads_of_sample(cuda::samples_of(d.x)), 0};
  return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
    cuda::launch(kernel, shape, stream, sizes, a.real(0), a.real(1), a.real(2));
  });
}

}  // namespace gantry
