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

template <int kWidth, ActivationKind kKind, typename T>
void launch_width(Stream& stream, T* y, const T* x, const float* b, int64_t size, int64_t channels,
                  float alpha) {
  const int64_t in_row = channels / kWidth, rows = size / channels;
  const int64_t lanes = (rows + kRowsPerThread - 1) / kRowsPerThread * in_row;
  launch(bias_act_kernel<kWidth, kKind, T>, one_thread_each(lanes), stream, y, x, b, size,
         static_cast<int>(channels), lanes, ActivationMath<kKind, LibraryMath, float>{alpha});
}

template <ActivationKind kKind, typename T>
void launch_kind(Stream& stream, T* y, const T* x, const float* b, int64_t size, int64_t channels,
                 float alpha) {
  const bool packs =
      channels % kMapWidth == 0 && aligned_to_pack(y) && aligned_to_pack(x) && aligned_to_pack(b);
  if (packs) {
    launch_width<kMapWidth, kKind, T>(stream, y, x, b, size, channels, alpha);
  } else {
    launch_width<1, kKind, T>(stream, y, x, b, size, channels, alpha);
  }
}

template <typename T>
using Launch = void (*)(Stream&, T*, const T*, const float*, int64_t, int64_t, float);
using Kind = ActivationKind;
template <typename T>
constexpr Launch<T> kLaunch[] = {launch_kind<Kind::kIdentity, T>,  launch_kind<Kind::kReLU, T>,
                                 launch_kind<Kind::kLeakyReLU, T>, launch_kind<Kind::kTanh, T>,
                                 launch_kind<Kind::kSigmoid, T>,   launch_kind<Kind::kELU, T>,
                                 launch_kind<Kind::kSiLU, T>,      launch_kind<Kind::kSoftplus, T>};

}  // namespace

void launch_bias_act(Stream& stream, const TensorView& y, const TensorView& x, const float* b,
                     int64_t channels, const Activation& activation) {
  with_real(y.dtype, [&](auto real) {
    using T = decltype(real);
    const auto launch_one = kLaunch<T>[static_cast<size_t>(activation.kind)];
    launch_one(stream, y.as<T>(), x.as<T>(), b, y.shape.elements(), channels, activation.alpha);
  });
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_bias_add(const BiasAddDesc& d) {
  return cuda::launched(3, 0, [d](Stream& stream, const cuda::Args& a) {
    cuda::launch_bias_act(stream, a.view(0), a.view(1), a.real(2), d.x.c, {});
  });
}

}  // namespace gantry
