// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/dot_kernels.cuh"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"

namespace gantry {

using cuda::Args;

CudaKernels::Made CudaKernels::make_sample_dot(const DotDesc& d, DotPass pass) {
  const int64_t size = d.x.per_sample();
  if (pass == DotPass::kBackward) {
    return cuda::launched(3, 0, [d, size](Stream& stream, const Args& a) {
      const cuda::ScaleOfSample scale{a.real(1), cuda::Divisor(size)};
      cuda::launch_map<1, 1>(stream, {{a.real(0)}}, {{a.real(2)}}, d.x.elements(), scale);
    });
  }
  return cuda::launched(3, 0, [d, size](Stream& stream, const Args& a) {
    cuda::launch(cuda::dot_kernel, cuda::one_thread_each(d.x.n * cuda::kWarp), stream, a.real(1),
                 a.real(2), a.real(0), d.x.n, size, d.accumulate);
  });
}

}  // namespace gantry
