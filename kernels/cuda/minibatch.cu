// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/map.h"
#include "kernels/cuda/minibatch_kernels.cuh"

namespace gantry {
namespace {

cuda::MinibatchRows rows_of(const MinibatchDesc& d) {
  cuda::MinibatchRows rows{};
  rows.made = d.made();
  rows.in_group = d.n / d.groups;
  rows.made_of_group = d.made_of_group();
  rows.first_made = d.part * d.made_of_group();
  rows.features = static_cast<int>(d.features);
  rows.dimensions = static_cast<int>(d.dimensions);
  rows.by_features = cuda::Divisor(d.features);
  rows.by_width = cuda::Divisor(d.features * d.dimensions);
  rows.by_group = cuda::Divisor(rows.made_of_group);
  return rows;
}

}  // namespace

CudaKernels::Made CudaKernels::make_minibatch(const MinibatchDesc& d, MinibatchPass pass) {
  using cuda::Args;
  const cuda::MinibatchRows rows = rows_of(d);
  const cuda::LaunchShape per_sum = cuda::one_thread_each(d.made() * d.features);
  const cuda::LaunchShape per_element = cuda::one_thread_each(d.made() * d.features * d.dimensions);
  const auto with = [rows](const float* m) {
    cuda::MinibatchRows given = rows;
    given.m = m;
    return given;
  };
  if (pass == MinibatchPass::kForward) {
    return cuda::launched(2, 0, [=](Stream& stream, const Args& a) {
      cuda::launch(cuda::minibatch_kernel, per_sum, stream, with(a.real(1)), a.real(0));
    });
  }
  if (pass == MinibatchPass::kBackward) {
    return cuda::launched(3, 0, [=](Stream& stream, const Args& a) {
      cuda::launch(cuda::minibatch_backward_kernel, per_element, stream, with(a.real(1)), a.real(0),
                   a.real(2));
    });
  }
  return cuda::launched(5, 0, [=](Stream& stream, const Args& a) {
    cuda::launch(cuda::minibatch_double_backward_kernel, per_element, stream, with(a.real(2)),
                 a.real(0), a.real(1), a.real(3), a.real(4));
  });
}

}  // namespace gantry
