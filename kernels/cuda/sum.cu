// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/sum_kernels.cuh"

namespace gantry {
namespace {

using cuda::Args;

// One pass over up to four inputs; sums of more are taken in several, the later ones adding to y.
constexpr size_t kMost = 4;

template <int kIn, typename T>
void launch_sum(Stream& stream, T* y, const T* const* x, const float* scale, float constant,
                int64_t size) {
  cuda::Arrays<const T, kIn> inputs{};
  cuda::ScaledSum<kIn> sum{};
  for (int k = 0; k < kIn; ++k) {
    inputs.at[k] = x[k];
    sum.scale[k] = scale[k];
  }
  sum.constant = constant;
  cuda::launch_map<1, kIn, T>(stream, {{y}}, inputs, size, sum);
}

template <typename T>
using LaunchSum = void (*)(Stream&, T*, const T* const*, const float*, float, int64_t);
template <typename T>
constexpr LaunchSum<T> kLaunchSum[kMost + 1] = {
    launch_sum<0, T>, launch_sum<1, T>, launch_sum<2, T>, launch_sum<3, T>, launch_sum<4, T>};

template <typename T>
void sum_all(const SumDesc& d, Stream& stream, const Args& a) {
  T* y = a.as<T>(0);
  const size_t inputs = d.scale.size();
  bool add = d.accumulate;
  size_t next = 0;
  do {
    const T* x[kMost];
    float scale[kMost];
    size_t count = 0;
    if (add) {
      x[count] = y;
      scale[count++] = 1;
    }
    for (; count < kMost && next < inputs; ++next) {
      x[count] = a.as<T>(1 + next);
      scale[count++] = d.scale[next];
    }
    const float constant = next == inputs ? d.constant : 0;
    kLaunchSum<T>[count](stream, y, x, scale, constant, d.y.elements());
    add = true;
  } while (next < inputs);
}

}  // namespace

CudaKernels::Made CudaKernels::make_sum(const SumDesc& d) {
  return cuda::launched(1 + d.scale.size(), 0, [d](Stream& stream, const Args& a) {
    cuda::with_real(a.dtype(0), [&](auto real) { sum_all<decltype(real)>(d, stream, a); });
  });
}

}  // namespace gantry
