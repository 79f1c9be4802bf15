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

template <int kIn>
void launch_sum(Stream& stream, float* y, const float* const* x, const float* scale, float constant,
                int64_t size) {
  cuda::Arrays<const float, kIn> inputs{};
  cuda::ScaledSum<kIn> sum{};
  for (int k = 0; k < kIn; ++k) {
    inputs.at[k] = x[k];
    sum.scale[k] = scale[k];
  }
  sum.constant = constant;
  cuda::launch_map<1, kIn>(stream, {{y}}, inputs, size, sum);
}

using LaunchSum = void (*)(Stream&, float*, const float* const*, const float*, float, int64_t);
constexpr LaunchSum kLaunchSum[kMost + 1] = {launch_sum<0>, launch_sum<1>, launch_sum<2>,
                                             launch_sum<3>, launch_sum<4>};

}  // namespace

CudaKernels::Made CudaKernels::make_sum(const SumDesc& d) {
  return cuda::launched(1 + d.scale.size(), 0, [d](Stream& stream, const Args& a) {
    float* y = a.real(0);
    const size_t inputs = d.scale.size();
    bool add = d.accumulate;
    size_t next = 0;
    do {
      const float* x[kMost];
      float scale[kMost];
      size_t count = 0;
      if (add) {
        x[count] = y;
        scale[count++] = 1;
      }
      for (; count < kMost && next < inputs; ++next) {
        x[count] = a.real(1 + next);
        scale[count++] = d.scale[next];
      }
      const float constant = next == inputs ? d.constant : 0;
      kLaunchSum[count](stream, y, x, scale, constant, d.y.elements());
      add = true;
    } while (next < inputs);
  });
}

}  // namespace gantry
