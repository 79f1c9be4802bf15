// SPDX-License-Identifier: Apache-2.0
#include "models/layers/pointwise.h"

namespace gantry {

Pointwise::Pointwise(ActivationKind kind) {
  activation_.kind = kind;
  if (kind == ActivationKind::kLeakyReLU) activation_.alpha = 0.2f;
  if (kind == ActivationKind::kELU) activation_.alpha = 1;
}

void Pointwise::describe(Fields& f) {
  double alpha = activation_.alpha;
  const RealRange range{.min = 0, .max = 1e6, .open_min = true};
  if (activation_.kind == ActivationKind::kLeakyReLU) {
    f.real({"slope", "Slope below zero (Keras's default is 0.3)."}, alpha, range);
  }
  if (activation_.kind == ActivationKind::kELU) {
    f.real({"alpha", "What large negative inputs go to, negated."}, alpha, range);
  }
  activation_.alpha = static_cast<float>(alpha);
}

const TensorRef& Pointwise::saved(const LayerPass& pass) const {
  return saves_output(activation_.kind) ? pass.y : pass.x[0];
}

TensorRef Pointwise::forward(Recorder& recorder, LayerPass& pass) const {
  const TensorRef y = recorder.temp("y", pass.x[0].shape);
  recorder.program.call(
      "forward", recorder.kernels.activation({y.shape, activation_}, ActivationPass::kForward), {y},
      {pass.x[0]});
  return y;
}

TensorRefs Pointwise::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                               const GradTarget&, const BackwardRequest& request) const {
  if (!request.want_dx[0]) return {TensorRef{}};
  const TensorRef dx = request.keep_dy ? recorder.temp("dx", dy.shape) : dy;
  recorder.program.call(
      "backward", recorder.kernels.activation({dy.shape, activation_}, ActivationPass::kBackward),
      {dx}, {saved(pass), dy});
  return {dx};
}

Tangent Pointwise::double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                                   const TensorRefs& ux, const GradTarget&) const {
  const ActivationDesc desc{dy.shape, activation_};
  const KernelPtr kernel = recorder.kernels.activation(desc, ActivationPass::kDoubleBackward);
  const TensorRef uy = recorder.temp("uy", dy.shape);
  if (piecewise_linear(activation_.kind)) {
    recorder.program.call("tangent", kernel, {uy}, {saved(pass), ux[0]});
    return {uy, {TensorRef{}}};
  }
  const TensorRef hx = recorder.temp("hx", dy.shape);
  recorder.program.call("tangent", kernel, {uy, hx}, {saved(pass), dy, ux[0]});
  return {uy, {hx}};
}

}  // namespace gantry
