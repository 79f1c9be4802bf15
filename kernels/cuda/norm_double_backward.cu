// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_double_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

namespace {

using DoubleScratch = NormScratch<Totals<5>>;

// The argument x stands at `in`, before the others that the pass reads.
template <typename T>
struct DoubleBackwardInputs {
  const T *x, *dy, *ux;
  NormStats of;
  DoubleBackwardInputs(const Args& a, size_t in)
      : x(a.as<T>(in)),
        dy(a.as<T>(in + 1)),
        ux(a.as<T>(in + 2)),
        of{a.real(in + 3), a.real(in + 4), a.real(in + 5), a.real(in + 6)} {}
};

template <typename T>
void sum_double_backward(const NormDesc& d, const DoubleBackwardInputs<T>& from, Stream& stream,
                         float* partial) {
  const NormStats& of = from.of;
  with_norm_width(norm_layout(d), {from.x, from.dy, from.ux, of.gamma, of.beta}, [&](auto width) {
    launch_norm_sums<width>(
        stream, norm_layout(d),
        DoubleBackwardTerms<width, T>{from.x, from.dy, from.ux,
                                      affine<width>(of, norm_slope(d.activation))},
        partial);
  });
}

template <typename T>
void run_double_backward(const NormDesc& d, const DoubleScratch& scratch, Stream& stream,
                         const Args& a) {
  const NormLayout r = norm_layout(d);
  T *uy = a.as<T>(0), *hx = a.as<T>(1);
  const DoubleBackwardInputs<T> from(a, 3);
  auto* partial = a.scratch<float>();
  auto* coefs = a.scratch<float>(scratch.coefs);
  const WriteGrads grads{a.real(2), nullptr, true};
  const FinishDoubleBackward finish{r, from.of.gamma, from.of.rstd, coefs, grads, {}};
  if (d.stage == NormStage::kWhole) sum_double_backward(d, from, stream, partial);
  if (d.stage == NormStage::kRest) {
    launch_norm_from_means<Totals<5>>(stream, d, r, a.as<double>(10), finish);
  } else if (d.kind == NormKind::kBatch) {
    launch_norm_combine<Totals<5>, true>(stream, r, partial, finish);
  } else {
    auto* columns = a.scratch<Totals<5>>(scratch.columns);
    launch_norm_combine<Totals<5>, false>(stream, r, partial,
                                          KeepColumns<Totals<5>>{columns, r.columns});
    launch_norm_slices<Totals<5>>(stream, r, columns, finish);
    launch_norm_grads<Totals<5>>(stream, r, columns, finish);
  }
  const std::initializer_list<const void*> arrays = {
      uy, hx, from.x, from.dy, from.ux, from.of.gamma, from.of.beta};
  with_norm_width(r, arrays, [&](auto width) {
    launch_norm_apply<width>(
        stream, r,
        ApplyDoubleBackward<width, T>{uy,
                                      hx,
                                      from.x,
                                      from.dy,
                                      from.ux,
                                      affine<width>(from.of, norm_slope(d.activation)),
                                      coefs,
                                      {}});
  });
}

}  // namespace

std::shared_ptr<Kernel> norm_double_backward(const NormDesc& d) {
  const DoubleScratch scratch(norm_layout(d), d.kind == NormKind::kBatch, kDoubleBackwardCoefs);
  if (d.stage == NormStage::kMeans) {
    return launched(8, scratch.end, [=](Stream& stream, const Args& a) {
      with_real(a.dtype(1), [&](auto real) {
        sum_double_backward(d, DoubleBackwardInputs<decltype(real)>(a, 1), stream,
                            a.scratch<float>());
      });
      launch_norm_means<Totals<5>>(stream, norm_layout(d), a.scratch<float>(), a.as<double>(0));
    });
  }
  const size_t shared = d.stage == NormStage::kRest ? 1 : 0;
  return launched(10 + shared, scratch.end, [=](Stream& stream, const Args& a) {
    with_real(a.dtype(0),
              [&](auto real) { run_double_backward<decltype(real)>(d, scratch, stream, a); });
  });
}

}  // namespace gantry::cuda
