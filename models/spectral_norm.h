// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// Spectral normalisation of one weight in one recorded pass (kernels/ops/optimizer.h has the
// formulas). u is kept between steps; what this pass used of it is copied, because another pass may
// move it before this one's backward.
struct SpectralPass {
  size_t node = 0, param = 0;  // param: index among the node's parameters
  TensorRef w_hat, u, v, sigma;
};

// w_hat, v, sigma and this pass's u; one power iteration on the state u if `iterate`.
SpectralPass record_spectral_norm(Recorder& recorder, const TensorRef& w, const TensorRef& u,
                                  bool iterate);

// In place: d/dw_hat to d/dw.
void record_spectral_norm_backward(Recorder& recorder, const SpectralPass& pass,
                                   const TensorRef& dw);

// Fills u (host, rows values) for a weight of rows x columns: a random direction by (seed, id),
// brought near the largest singular vector by 15 power iterations (as PyTorch's parametrization).
void initialize_spectral_norm(const float* w, const Shape& shape, uint64_t seed, uint32_t id,
                              float* u);

}  // namespace gantry
