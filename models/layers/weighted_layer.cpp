// SPDX-License-Identifier: Apache-2.0
#include "models/layers/weighted_layer.h"

namespace gantry {

void WeightedLayer::describe_parameters(Fields& f) {
  f.flag({"bias", "Add a learned number per output channel."}, bias_);
  describe_spectral_norm(f);
}

void WeightedLayer::describe_spectral_norm(Fields& f) {
  f.flag({"spectral_norm", "Divide the weight by its largest singular value."}, spectral_norm_);
}

LayerPlan WeightedLayer::make_plan(const Shape& x, const Shape& y, const Shape& weight) {
  x_ = x;
  y_ = y;
  Initializer init;
  init.kind = Initializer::Kind::kPyTorch;
  LayerPlan plan{y, {{"weight", weight, fans_of(weight), init, spectral_norm_}}, {}};
  if (bias_) plan.params.push_back({"bias", vector_shape(y.c), fans_of(weight), init, false});
  return plan;
}

TensorRef WeightedLayer::forward(Recorder& recorder, LayerPass& pass) const {
  const int64_t n = pass.x[0].shape.n;
  const TensorRef y = recorder.temp("y", y_.with_n(n));
  TensorRefs inputs{pass.x[0], pass.params[0]};
  if (bias_) inputs.push_back(pass.params[1]);
  recorder.program.call("forward", forward_kernel(recorder, n, bias_, tail_.activation()), {y},
                        inputs);
  return y;
}

TensorRefs WeightedLayer::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                                   const GradTarget& target, const BackwardRequest& request) const {
  const TensorRef dz = tail_.backward(recorder, pass.y, dy, request.keep_dy);
  if (target) {
    record_weights(recorder, pass.x[0], dz, target.grads[0], target.accumulate);
    if (bias_) record_bias(recorder, dz, target.grads[1], target.accumulate);
  }
  if (!request.want_dx[0]) return {TensorRef{}};
  return {record_data(recorder, pass, dz)};
}

// With z = A x + b, dz = act'(z) dy, uz = A ux:  B = dz^T uz, so dB/dw from A is the weight
// gradient of (ux, dz); act' depends on z too, which gives hz = act''(z) dy uz and its ordinary
// backward.
Tangent WeightedLayer::double_backward(Recorder& recorder, const LayerPass& pass,
                                       const TensorRef& dy, const TensorRefs& ux,
                                       const GradTarget& target) const {
  const TensorRef dz = tail_.backward(recorder, pass.y, dy, true);
  record_weights(recorder, ux[0], dz, target.grads[0], true);
  const int64_t n = dy.shape.n;
  const TensorRef uz = recorder.temp("uz", dy.shape);
  recorder.program.call("tangent", forward_kernel(recorder, n, false, {}), {uz},
                        {ux[0], pass.params[0]});
  const auto [uy, hz] = tail_.double_backward(recorder, pass.y, dy, uz);
  if (!hz) return {uy, {TensorRef{}}};
  record_weights(recorder, pass.x[0], hz, target.grads[0], true);
  if (bias_) record_bias(recorder, hz, target.grads[1], true);
  return {uy, {record_data(recorder, pass, hz)}};
}

void WeightedLayer::record_weights(Recorder& recorder, const TensorRef& x, const TensorRef& dz,
                                   const TensorRef& dw, bool accumulate) const {
  WeightsCall call = weights_call(recorder, x, dz, accumulate);
  const TensorRefs none;
  recorder.program.call("backward_weights", std::move(call.kernel),
                        accumulate ? none : TensorRefs{dw}, call.inputs,
                        accumulate ? TensorRefs{dw} : none);
}

void WeightedLayer::record_bias(Recorder& recorder, const TensorRef& dz, const TensorRef& db,
                                bool accumulate) const {
  const TensorRefs none;
  recorder.program.call("backward_bias", recorder.kernels.bias_grad({dz.shape, accumulate}),
                        accumulate ? none : TensorRefs{db}, {dz},
                        accumulate ? TensorRefs{db} : none);
}

TensorRef WeightedLayer::record_data(Recorder& recorder, const LayerPass& pass,
                                     const TensorRef& dz) const {
  const TensorRef dx = recorder.temp("dx", x_.with_n(dz.shape.n));
  recorder.program.call("backward_data", data_kernel(recorder, dz.shape.n), {dx},
                        {dz, pass.params[0]});
  return dx;
}

}  // namespace gantry
