// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_double_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

namespace {

using DoubleScratch = NormScratch<Totals<5>>;

template <typename T>
void run_double_backward(const NormDesc& d, const DoubleScratch& scratch, Stream& stream,
                         const Args& a) {
  const NormLayout r = norm_layout(d);
  T *uy = a.as<T>(0), *hx = a.as<T>(1);
  const T *x = a.as<T>(3), *dy = a.as<T>(4), *ux = a.as<T>(5);
  const NormStats of{a.real(6), a.real(7), a.real(8), a.real(9)};
  auto* partial = a.scratch<float>();
  auto* coefs = a.scratch<float>(scratch.coefs);
  const float slope = norm_slope(d.activation);
  const std::initializer_list<const void*> arrays = {uy, hx, x, dy, ux, of.gamma, of.beta};
  with_norm_width(r, arrays, [&](auto width) {
    launch_norm_sums<width>(
        stream, r, DoubleBackwardTerms<width, T>{x, dy, ux, affine<width>(of, slope)}, partial);
  });
  const WriteGrads grads{a.real(2), nullptr, true};
  const FinishDoubleBackward finish{r, of.gamma, of.rstd, coefs, grads, {}};
  if (d.kind == NormKind::kBatch) {
    launch_norm_combine<Totals<5>, true>(stream, r, partial, finish);
  } else {
    auto* columns = a.scratch<Totals<5>>(scratch.columns);
    launch_norm_combine<Totals<5>, false>(stream, r, partial,
                                          KeepColumns<Totals<5>>{columns, r.columns});
    launch_norm_slices<Totals<5>>(stream, r, columns, finish);
    launch_norm_grads<Totals<5>>(stream, r, columns, finish);
  }
  with_norm_width(r, arrays, [&](auto width) {
    launch_norm_apply<width>(
        stream, r,
        ApplyDoubleBackward<width, T>{uy, hx, x, dy, ux, affine<width>(of, slope), coefs, {}});
  });
}

}  // namespace

std::shared_ptr<Kernel> norm_double_backward(const NormDesc& d) {
  const DoubleScratch scratch(norm_layout(d), d.kind == NormKind::kBatch, kDoubleBackwardCoefs);
  return launched(10, scratch.end, [=](Stream& stream, const Args& a) {
    with_real(a.dtype(0),
              [&](auto real) { run_double_backward<decltype(real)>(d, scratch, stream, a); });
  });
}

}  // namespace gantry::cuda
