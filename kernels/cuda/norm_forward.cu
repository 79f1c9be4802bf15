// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_forward_kernels.cuh"
#include "kernels/cuda/norm_inference_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry {
namespace cuda {

namespace {

using ForwardScratch = NormScratch<Moments>;

template <typename T>
void apply_forward(Stream& stream, const NormLayout& r, T* y, const T* x, const NormStats& of,
                   float slope) {
  with_norm_width(r, {x, y, of.gamma, of.beta}, [&](auto width) {
    launch_norm_apply<width>(stream, r, ApplyForward<width, T>{y, x, affine<width>(of, slope)});
  });
}

// The argument x stands at `in`.
template <typename T>
void run_forward(const NormDesc& d, const ForwardScratch& scratch, size_t in, Stream& stream,
                 const Args& a) {
  const NormLayout r = norm_layout(d);
  T* y = a.as<T>(0);
  float *mean = a.real(1), *rstd = a.real(2);
  const T* x = a.as<T>(in);
  const NormStats of{a.real(in + 1), a.real(in + 2), mean, rstd};
  auto* partial = a.scratch<float>();
  with_norm_width(r, {x, y, of.gamma, of.beta}, [&](auto width) {
    launch_norm_sums<width>(stream, r, MomentTerms<width, T>{x, {}}, partial);
  });
  const WriteStats stats{mean, rstd, static_cast<double>(d.eps)};
  if (d.kind == NormKind::kBatch) {
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
  apply_forward<T>(stream, r, y, x, of, norm_slope(d.activation));
}

}  // namespace

std::shared_ptr<Kernel> norm_forward(const NormDesc& d) {
  const bool batch = d.kind == NormKind::kBatch;
  const ForwardScratch scratch(norm_layout(d), batch, 0);
  const size_t in = batch && d.track ? 5 : 3;
  return launched(in + 3, scratch.end, [=](Stream& stream, const Args& a) {
    with_real(a.dtype(0),
              [&](auto real) { run_forward<decltype(real)>(d, scratch, in, stream, a); });
  });
}

std::shared_ptr<Kernel> norm_inference(const NormDesc& d) {
  NormDesc whole = d;
  whole.batch_groups = 1;
  const NormLayout r = norm_layout(whole);
  const size_t bytes = sizeof(float) * static_cast<size_t>(r.columns);
  return launched(6, bytes, [=](Stream& stream, const Args& a) {
    auto* rstd = a.scratch<float>();
    launch(norm_running_rstd_kernel, one_thread_each(r.columns), stream, rstd, a.real(5), r.columns,
           static_cast<double>(d.eps));
    const NormStats of{a.real(2), a.real(3), a.real(4), rstd};
    with_real(a.dtype(0), [&](auto real) {
      using T = decltype(real);
      apply_forward<T>(stream, r, a.as<T>(0), a.as<T>(1), of, norm_slope(d.activation));
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
