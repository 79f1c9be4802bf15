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

template <typename T>
void sum_forward(Stream& stream, const NormLayout& r, const T* x, float* partial) {
  with_norm_width(r, {x}, [&](auto width) {
    launch_norm_sums<width>(stream, r, MomentTerms<width, T>{x, {}}, partial);
  });
}

// Of batch norm: statistics from the sums over chunks or, of the stage kRest, from means.
void finish_batch(const NormDesc& d, const NormLayout& r, size_t in, Stream& stream,
                  const Args& a) {
  const FinishBatch finish{{a.real(1), a.real(2), static_cast<double>(d.eps)},
                           d.track ? a.real(3) : nullptr,
                           d.track ? a.real(4) : nullptr,
                           static_cast<double>(d.momentum),
                           d.unbiased,
                           r.columns};
  if (d.stage == NormStage::kRest) {
    launch_norm_from_means<Moments>(stream, d, r, a.as<double>(in + 3), finish);
  } else {
    launch_norm_combine<Moments, true>(stream, r, a.scratch<float>(), finish);
  }
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
  if (d.stage == NormStage::kWhole) sum_forward(stream, r, x, partial);
  if (d.kind == NormKind::kBatch) {
    finish_batch(d, r, in, stream, a);
  } else {
    auto* columns = a.scratch<Moments>(scratch.columns);
    launch_norm_combine<Moments, false>(stream, r, partial,
                                        KeepColumns<Moments>{columns, r.columns});
    launch_norm_slices<Moments>(stream, r, columns,
                                WriteStats{mean, rstd, static_cast<double>(d.eps)});
  }
  apply_forward<T>(stream, r, y, x, of, norm_slope(d.activation));
}

}  // namespace

std::shared_ptr<Kernel> norm_forward(const NormDesc& d) {
  const bool batch = d.kind == NormKind::kBatch;
  const ForwardScratch scratch(norm_layout(d), batch, 0);
  if (d.stage == NormStage::kMeans) {
    return launched(4, scratch.end, [=](Stream& stream, const Args& a) {
      const NormLayout r = norm_layout(d);
      with_real(a.dtype(1), [&](auto real) {
        sum_forward(stream, r, a.as<decltype(real)>(1), a.scratch<float>());
      });
      launch_norm_means<Moments>(stream, r, a.scratch<float>(), a.as<double>(0));
    });
  }
  const size_t in = batch && d.track ? 5 : 3, shared = d.stage == NormStage::kRest ? 1 : 0;
  return launched(in + 3 + shared, scratch.end, [=](Stream& stream, const Args& a) {
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
