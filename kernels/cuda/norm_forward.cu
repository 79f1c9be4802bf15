// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_forward_kernels.cuh"
#include "kernels/cuda/norm_inference_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry {
namespace cuda {

std::shared_ptr<Kernel> norm_forward(const NormDesc& d) {
  const NormLayout r = norm_layout(d);
  const bool batch = d.kind == NormKind::kBatch;
  const NormScratch<Moments> scratch(r, batch, 0);
  const size_t in = batch && d.track ? 5 : 3;
  return launched(in + 3, scratch.end, [=](Stream& stream, const Args& a) {
    float *y = a.real(0), *mean = a.real(1), *rstd = a.real(2);
    const float *x = a.real(in), *gamma = a.real(in + 1), *beta = a.real(in + 2);
    auto* partial = a.scratch<float>();
    with_norm_width(r, {x, y, gamma, beta}, [&](auto width) {
      launch_norm_sums<width>(stream, r, MomentTerms<width>{x, {}}, partial);
    });
    const WriteStats stats{mean, rstd, static_cast<double>(d.eps)};
    if (batch) {
      const FinishBatch finish{stats,
                               d.track ? a.real(3) : nullptr,
                               d.track ? a.real(4) : nullptr,
                               static_cast<double>(d.momentum),
                               d.unbiased,
                               r.columns};
      launch_norm_combine<Moments, true>(stream, r, partial, finish);
    } else {
      auto* columns = a.scratch<Moments>(scratch.columns);
      launch_norm_combine<Moments, false>(stream, r, partial,
                                          KeepColumns<Moments>{columns, r.columns});
      launch_norm_slices<Moments>(stream, r, columns, stats);
    }
    with_norm_width(r, {x, y, gamma, beta}, [&](auto width) {
      launch_norm_apply<width>(
          stream, r,
          ApplyForward<width>{
              y, x, {gamma, beta, mean, rstd, norm_slope(d.activation), {}, {}, {}, {}}});
    });
  });
}

std::shared_ptr<Kernel> norm_inference(const NormDesc& d) {
  NormDesc whole = d;
  whole.batch_groups = 1;
  const NormLayout r = norm_layout(whole);
  const size_t bytes = sizeof(float) * static_cast<size_t>(r.columns);
  return launched(6, bytes, [=](Stream& stream, const Args& a) {
    float* y = a.real(0);
    const float *x = a.real(1), *gamma = a.real(2), *beta = a.real(3), *mean = a.real(4);
    auto* rstd = a.scratch<float>();
    launch(norm_running_rstd_kernel, one_thread_each(r.columns), stream, rstd, a.real(5), r.columns,
           static_cast<double>(d.eps));
    with_norm_width(r, {x, y, gamma, beta}, [&](auto width) {
      launch_norm_apply<width>(
          stream, r,
          ApplyForward<width>{
              y, x, {gamma, beta, mean, rstd, norm_slope(d.activation), {}, {}, {}, {}}});
    });
  });
}

}  // namespace cuda

CudaKernels::Made CudaKernels::make_norm(const NormDesc& desc, NormPass pass) {
  GANTRY_CHECK(desc.stage == NormStage::kWhole, "GPUs of several ranks are not joined");
  switch (pass) {
    case NormPass::kForward:
      return cuda::norm_forward(desc);
    case NormPass::kInference:
      return cuda::norm_inference(desc);
    case NormPass::kBackward:
      return cuda::norm_backward(desc, true);
    case NormPass::kBackwardData:
      return cuda::norm_backward(desc, false);
    case NormPass::kDoubleBackward:
      return cuda::norm_double_backward(desc);
  }
  return nullptr;
}

}  // namespace gantry
