// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

namespace {

using BackwardScratch = NormScratch<Totals<2>>;

// The argument x stands at `in`; dgamma and dbeta before it, or only dx.
template <typename T>
void run_backward(const NormDesc& d, const BackwardScratch& scratch, size_t in, Stream& stream,
                  const Args& a) {
  const NormLayout r = norm_layout(d);
  const bool parameters = in == 3;
  T* dx = a.as<T>(0);
  const T *x = a.as<T>(in), *dy = a.as<T>(in + 1);
  const NormStats of{a.real(in + 2), a.real(in + 3), a.real(in + 4), a.real(in + 5)};
  auto* partial = a.scratch<float>();
  auto* by_centred = a.scratch<float>(scratch.coefs);
  float* constant = by_centred + int64_t{r.groups} * r.slices;
  const float slope = norm_slope(d.activation);
  const std::initializer_list<const void*> arrays = {dx, x, dy, of.gamma, of.beta};
  with_norm_width(r, arrays, [&](auto width) {
    launch_norm_sums<width>(stream, r, BackwardTerms<width, T>{x, dy, affine<width>(of, slope)},
                            partial);
  });
  const WriteGrads grads{parameters ? a.real(1) : nullptr, parameters ? a.real(2) : nullptr,
                         d.accumulate};
  const FinishBackward finish{r, of.gamma, of.rstd, by_centred, constant, grads, {}};
  if (d.kind == NormKind::kBatch) {
    launch_norm_combine<Totals<2>, true>(stream, r, partial, finish);
  } else {
    auto* columns = a.scratch<Totals<2>>(scratch.columns);
    launch_norm_combine<Totals<2>, false>(stream, r, partial,
                                          KeepColumns<Totals<2>>{columns, r.columns});
    launch_norm_slices<Totals<2>>(stream, r, columns, finish);
    if (parameters) launch_norm_grads<Totals<2>>(stream, r, columns, finish);
  }
  with_norm_width(r, arrays, [&](auto width) {
    launch_norm_apply<width>(
        stream, r,
        ApplyBackward<width, T>{dx, x, dy, affine<width>(of, slope), by_centred, constant, {}, {}});
  });
}

}  // namespace

std::shared_ptr<Kernel> norm_backward(const NormDesc& d, bool parameters) {
  const BackwardScratch scratch(norm_layout(d), d.kind == NormKind::kBatch, 2);
  const size_t in = parameters ? 3 : 1;
  return launched(in + 6, scratch.end, [=](Stream& stream, const Args& a) {
    with_real(a.dtype(0),
              [&](auto real) { run_backward<decltype(real)>(d, scratch, in, stream, a); });
  });
}

}  // namespace gantry::cuda
