// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/reduce.h"

namespace gantry {
namespace {

using cuda::Args;

template <typename Join, typename Term>
std::shared_ptr<Kernel> reduction(const ReduceDesc& d) {
  const int64_t size = d.x.elements();
  const double scale = static_cast<double>(d.scale);
  const size_t bytes = cuda::reduction_bytes(cuda::reduction_blocks(size), 1);
  return cuda::launched(2, bytes, [=](Stream& stream, const Args& a) {
    cuda::launch_map_reduce<0, 1, Join, 1>(stream, {}, {{a.real(1)}}, size, Term{},
                                           a.scratch<double>(),
                                           cuda::WriteScaled{a.real(0), scale});
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_reduce(const ReduceDesc& d) {
  switch (d.kind) {
    case ReduceDesc::Kind::kSum:
      return reduction<cuda::JoinSum, cuda::SumTerm>(d);
    case ReduceDesc::Kind::kSumSquares:
      return reduction<cuda::JoinSum, cuda::SquareTerm>(d);
    case ReduceDesc::Kind::kMaxAbs:
      return reduction<cuda::JoinMax, cuda::MaxAbsTerm>(d);
  }
  return nullptr;
}

CudaKernels::Made CudaKernels::make_grad_norm(const GradNormDesc& d) {
  const size_t bytes = cuda::reduction_bytes(cuda::reduction_blocks(d.size), 2);
  return cuda::launched(d.scaled ? 5 : 4, bytes, [d](Stream& stream, const Args& a) {
    cuda::launch_map_reduce<0, 1, cuda::JoinSum, 2>(
        stream, {}, {{a.real(3)}}, d.size, cuda::GradNormTerm{}, a.scratch<double>(),
        cuda::WriteGradNorm{a.real(0), a.real(1), a.real(2), d.scaled ? a.real(4) : nullptr,
                            d.max_norm});
  });
}

}  // namespace gantry
