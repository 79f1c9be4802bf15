// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

namespace {

using BackwardScratch = NormScratch<Totals<2>>;

// The argument x stands at `in`, before the others that the pass reads.
template <typename T>
struct BackwardInputs {
  const T *x, *dy;
  NormStats of;
  BackwardInputs(const Args& a, size_t in)
      : x(a.as<T>(in)),
        dy(a.as<T>(in + 1)),
        of{a.real(in + 2), a.real(in + 3), a.real(in + 4), a.real(in + 5)} {}
};

template <typename T>
void sum_backward(const NormDesc& d, const BackwardInputs<T>& from, Stream& stream,
                  float* partial) {
  with_norm_width(norm_layout(d), {from.x, from.dy, from.of.gamma, from.of.beta}, [&](auto width) {
    launch_norm_sums<width>(
        stream, norm_layout(d),
        BackwardTerms<width, T>{from.x, from.dy, affine<width>(from.of, norm_slope(d.activation))},
        partial);
  });
}

// dgamma and dbeta stand before x, or dx alone.
template <typename T>
void run_backward(const NormDesc& d, const BackwardScratch& scratch, size_t in, Stream& stream,
                  const Args& a) {
  const NormLayout r = norm_layout(d);
  const bool parameters = in == 3;
  T* dx = a.as<T>(0);
  const BackwardInputs<T> from(a, in);
  auto* partial = a.scratch<float>();
  auto* by_centred = a.scratch<float>(scratch.coefs);
  float* constant = by_centred + int64_t{r.groups} * r.slices;
  const WriteGrads grads{parameters ? a.real(1) : nullptr, parameters ? a.real(2) : nullptr,
                         d.accumulate};
  const FinishBackward finish{r, from.of.gamma, from.of.rstd, by_centred, constant, grads, {}};
  if (d.stage == NormStage::kWhole) sum_backward(d, from, stream, partial);
  if (d.stage == NormStage::kRest) {
    launch_norm_from_means<Totals<2>>(stream, d, r, a.as<double>(in + 6), finish);
  } else if (d.kind == NormKind::kBatch) {
    launch_norm_combine<Totals<2>, true>(stream, r, partial, finish);
  } else {
    auto* columns = a.scratch<Totals<2>>(scratch.columns);
    launch_norm_combine<Totals<2>, false>(stream, r, partial,
                                          KeepColumns<Totals<2>>{columns, r.columns});
    launch_norm_slices<Totals<2>>(stream, r, columns, finish);
    if (parameters) launch_norm_grads<Totals<2>>(stream, r, columns, finish);
  }
  with_norm_width(r, {dx, from.x, from.dy, from.of.gamma, from.of.beta}, [&](auto width) {
    launch_norm_apply<width>(
        stream, r,
        ApplyBackward<width, T>{dx,
                                from.x,
                                from.dy,
                                affine<width>(from.of, norm_slope(d.activation)),
                                by_centred,
                                constant,
                                {},
                                {}});
  });
}

}  // namespace

std::shared_ptr<Kernel> norm_backward(const NormDesc& d, bool parameters) {
  const BackwardScratch scratch(norm_layout(d), d.kind == NormKind::kBatch, 2);
  if (d.stage == NormStage::kMeans) {
    return launched(7, scratch.end, [=](Stream& stream, const Args& a) {
      with_real(a.dtype(1), [&](auto real) {
        sum_backward(d, BackwardInputs<decltype(real)>(a, 1), stream, a.scratch<float>());
      });
      launch_norm_means<Totals<2>>(stream, norm_layout(d), a.scratch<float>(), a.as<double>(0));
    });
  }
  const size_t in = parameters ? 3 : 1, shared = d.stage == NormStage::kRest ? 1 : 0;
  return launched(in + 6 + shared, scratch.end, [=](Stream& stream, const Args& a) {
    with_real(a.dtype(0),
              [&](auto real) { run_backward<decltype(real)>(d, scratch, in, stream, a); });
  });
}

}  // namespace gantry::cuda
