// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/norm_double_backward_kernels.cuh"
#include "kernels/cuda/norm_launch.h"

namespace gantry::cuda {

std::shared_ptr<Kernel> norm_double_backward(const NormDesc& d) {
  const NormLayout r = norm_layout(d);
  const bool batch = d.kind == NormKind::kBatch;
  const NormScratch<Totals<5>> scratch(r, batch, kDoubleBackwardCoefs);
  return launched(10, scratch.end, [=](Stream& stream, const Args& a) {
    float *uy = a.real(0), *hx = a.real(1), *dgamma = a.real(2);
    const float *x = a.real(3), *dy = a.real(4), *ux = a.real(5), *gamma = a.real(6);
    const float *beta = a.real(7), *mean = a.real(8), *rstd = a.real(9);
    auto* partial = a.scratch<float>();
    auto* coefs = a.scratch<float>(scratch.coefs);
    const float slope = norm_slope(d.activation);
    const auto arrays = {
        const_cast<const float*>(uy), const_cast<const float*>(hx), x, dy, ux, gamma, beta};
    with_norm_width(r, arrays, [&](auto width) {
      const Affine<width> affine{gamma, beta, mean, rstd, slope, {}, {}, {}, {}};
      launch_norm_sums<width>(stream, r, DoubleBackwardTerms<width>{x, dy, ux, affine}, partial);
    });
    const FinishDoubleBackward finish{r, gamma, rstd, coefs, {dgamma, nullptr, true}, {}};
    if (batch) {
      launch_norm_combine<Totals<5>, true>(stream, r, partial, finish);
    } else {
      auto* columns = a.scratch<Totals<5>>(scratch.columns);
      launch_norm_combine<Totals<5>, false>(stream, r, partial,
                                            KeepColumns<Totals<5>>{columns, r.columns});
      launch_norm_slices<Totals<5>>(stream, r, columns, finish);
      launch_norm_grads<Totals<5>>(stream, r, columns, finish);
    }
    with_norm_width(r, arrays, [&](auto width) {
      const Affine<width> affine{gamma, beta, mean, rstd, slope, {}, {}, {}, {}};
      launch_norm_apply<width>(stream, r,
                               ApplyDoubleBackward<width>{uy, hx, x, dy, ux, affine, coefs, {}});
    });
  });
}

}  // namespace gantry::cuda
