// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/bias_act.h"
#include "kernels/cuda/bias_act_kernels.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"

namespace gantry {
namespace cuda {
namespace {

// Rows of few elements for each thread hide the cost of reading the bias.
constexpr int64_t kRowsPerThread = 4;

template <int kWidth, ActivationKind kKind>
void launch_width(Stream& stream, float* y, const float* x, const float* b, int64_t size,
                  int64_t channels, float alpha) {
  const int64_t in_row = channels / kWidth, rows = size / channels;
  const int64_t lanes = (rows + kRowsPerThread - 1) / kRowsPerThread * in_row;
  launch(bias_act_kernel<kWidth, kKind>, one_thread_each(lanes), stream, y, x, b, size,
         static_cast<int>(channels), lanes, ActivationMath<kKind, LibraryMath, float>{alpha});
}

template <ActivationKind kKind>
void launch_kind(Stream& stream, float* y, const float* x, const float* b, int64_t size,
                 int64_t channels, float alpha) {
  const bool packs =
      channels % kMapWidth == 0 && aligned_to_pack(y) && aligned_to_pack(x) && aligned_to_pack(b);
  if (packs) {
    launch_width<kMapWidth, kKind>(stream, y, x, b, size, channels, alpha);
  } else {
    launch_width<1, kKind>(stream, y, x, b, size, channels, alpha);
  }
}

using Launch = void (*)(Stream&, float*, const float*, const float*, int64_t, int64_t, float);
using Kind = ActivationKind;
constexpr Launch kLaunch[] = {launch_kind<Kind::kIdentity>,  launch_kind<Kind::kReLU>,
                              launch_kind<Kind::kLeakyReLU>, launch_kind<Kind::kTanh>,
                              launch_kind<Kind::kSigmoid>,   launch_kind<Kind::kELU>,
                              launch_kind<Kind::kSiLU>,      launch_kind<Kind::kSoftplus>};

}  // namespace

void launch_bias_act(Stream& stream, float* y, const float* x, const float* b, int64_t size,
                     int64_t channels, const Activation& activation) {
  kLaunch[static_cast<size_t>(activation.kind)](stream, y, x, b, size, channels, activation.alpha);
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_bias_add(const BiasAddDesc& d) {
  return cuda::launched(3, 0, [d](Stream& stream, const cuda::Args& a) {
    cuda::launch_bias_act(stream, a.real(0), a.real(1), a.real(2), d.x.elements(), d.x.c, {});
  });
}

}  // namespace gantry
