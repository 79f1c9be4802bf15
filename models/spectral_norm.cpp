// SPDX-License-Identifier: Apache-2.0
#include "models/spectral_norm.h"

#include <cmath>

namespace gantry {

namespace {

constexpr int kInitialIterations = 15;

SpectralNormDesc desc_of(const Shape& w, int iterations) {
  SpectralNormDesc desc;
  desc.rows = w.n;
  desc.columns = w.per_sample();
  desc.iterations = iterations;
  return desc;
}

void normalize(std::vector<double>& vector) {
  double squares = 0;
  for (const double x : vector) squares += x * x;
  const double scale = 1 / std::max(std::sqrt(squares), 1e-12);
  for (double& x : vector) x *= scale;
}

}  // namespace

SpectralPass record_spectral_norm(Recorder& recorder, const TensorRef& w, const TensorRef& u,
                                  bool iterate) {
  const SpectralNormDesc desc = desc_of(w.shape, iterate ? 1 : 0);
  SpectralPass pass;
  pass.w_hat = recorder.temp("w_hat", w.shape);
  pass.u = recorder.temp("u", u.shape);
  pass.v = recorder.temp("v", vector_shape(desc.columns));
  pass.sigma = recorder.temp("sigma", vector_shape(1));
  recorder.program.call("spectral_norm",
                        recorder.kernels.spectral_norm(desc, SpectralNormPass::kForward),
                        {pass.w_hat, pass.v, pass.sigma}, {w}, {u});
  recorder.program.call("spectral_norm_keep", recorder.kernels.sum({u.shape, {1}, false}), {pass.u},
                        {u});
  return pass;
}

void record_spectral_norm_backward(Recorder& recorder, const SpectralPass& pass,
                                   const TensorRef& dw) {
  recorder.program.call(
      "spectral_norm_backward",
      recorder.kernels.spectral_norm(desc_of(dw.shape, 1), SpectralNormPass::kBackward), {},
      {pass.w_hat, pass.u, pass.v, pass.sigma}, {dw});
}

void initialize_spectral_norm(const float* w, const Shape& shape, uint64_t seed, uint32_t id,
                              float* u) {
  const auto rows = static_cast<size_t>(shape.n), columns = static_cast<size_t>(shape.per_sample());
  const RandomKey key = random_key(seed, Purpose::kSpectralNorm, id);
  std::vector<double> left(rows), right(columns);
  for (size_t i = 0; i < rows; ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    float first = 0, second = 0;
    normal_pair(block.v[0], block.v[1], &first, &second);
    left[i] = first;
  }
  normalize(left);
  for (int iteration = 0; iteration < kInitialIterations; ++iteration) {
    std::fill(right.begin(), right.end(), 0.0);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t k = 0; k < columns; ++k) right[k] += left[i] * w[i * columns + k];
    }
    normalize(right);
    for (size_t i = 0; i < rows; ++i) {
      left[i] = 0;
      for (size_t k = 0; k < columns; ++k) left[i] += w[i * columns + k] * right[k];
    }
    normalize(left);
  }
  for (size_t i = 0; i < rows; ++i) u[i] = static_cast<float>(left[i]);
}

}  // namespace gantry
