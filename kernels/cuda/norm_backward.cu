// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

std::shared_ptr<Kernel> norm_backward(const NormDesc& d, bool parameters) {
  const NormLayout r = norm_layout(d);
  const bool batch = d.kind == NormKind::kBatch;
  const NormScratch<Totals<2>> scratch(r, batch, 2);
  const size_t in = parameters ? 3 : 1;
  return launched(in + 6, scratch.end, [=](Stream& stream, const Args& a) {
    float* dx = a.real(0);
    const float *x = a.real(in), *dy = a.real(in + 1), *gamma = a.real(in + 2);
    const float *beta = a.real(in + 3), *mean = a.real(in + 4), *rstd = a.real(in + 5);
    auto* partial = a.scratch<float>();
    auto* by_centred = a.scratch<float>(scratch.coefs);
    float* constant = by_centred + int64_t{r.groups} * r.slices;
    const float slope = norm_slope(d.activation);
    const auto arrays = {const_cast<const float*>(dx), x, dy, gamma, beta};
    with_norm_width(r, arrays, [&](auto width) {
      const Affine<width> affine{gamma, beta, mean, rstd, slope, {}, {}, {}, {}};
      launch_norm_sums<width>(stream, r, BackwardTerms<width>{x, dy, affine}, partial);
    });
    const WriteGrads grads{parameters ? a.real(1) : nullptr, parameters ? a.real(2) : nullptr,
                           d.accumulate};
    const FinishBackward finish{r, gamma, rstd, by_centred, constant, grads, {}};
    if (batch) {
      launch_norm_combine<Totals<2>, true>(stream, r, partial, finish);
    } else {
      auto* columns = a.scratch<Totals<2>>(scratch.columns);
      launch_norm_combine<Totals<2>, false>(stream, r, partial,
                                            KeepColumns<Totals<2>>{columns, r.columns});
      launch_norm_slices<Totals<2>>(stream, r, columns, finish);
      if (parameters) launch_norm_grads<Totals<2>>(stream, r, columns, finish);
    }
    with_norm_width(r, arrays, [&](auto width) {
      const Affine<width> affine{gamma, beta, mean, rstd, slope, {}, {}, {}, {}};
      launch_norm_apply<width>(
          stream, r, ApplyBackward<width>{dx, x, dy, affine, by_centred, constant, {}, {}});
    });
  });
}

}  // namespace gantry::cuda
