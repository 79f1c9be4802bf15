// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rank_sum.h"
#include "kernels/cuda/rank_sum_kernels.cuh"

namespace gantry::cuda {
namespace {

template <typename Real>
void launch_sum(Stream& stream, void* out, const RankParts& parts, int64_t count, double scale) {
  launch(rank_sum_kernel<Real>, one_thread_each(count), stream, static_cast<Real*>(out),
         static_cast<const Real*>(parts.parts), parts.stride, parts.ranks, count,
         static_cast<Real>(scale));
}

}  // namespace

void add_ranks(Stream& stream, const AllReduceDesc& desc, void* out, const RankParts& parts,
               int64_t count) {
  GANTRY_CHECK(parts.ranks > 0 && parts.ranks < 1 << kRankSumLevels, parts.ranks, " ranks");
  if (desc.dtype == DType::kF32) {
    launch_sum<float>(stream, out, parts, count, desc.scale);
  } else {
    launch_sum<double>(stream, out, parts, count, desc.scale);
  }
}

}  // namespace gantry::cuda
