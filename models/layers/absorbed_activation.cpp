// SPDX-License-Identifier: Apache-2.0
#include "models/layers/absorbed_activation.h"

namespace gantry {

bool AbsorbedActivation::absorb(const Activation& activation) {
  if (activation_.kind != ActivationKind::kIdentity || !saves_output(activation.kind)) return false;
  activation_ = activation;
  return true;
}

TensorRef AbsorbedActivation::backward(Recorder& recorder, const TensorRef& y, const TensorRef& dy,
                                       bool keep_dy) const {
  if (activation_.kind == ActivationKind::kIdentity) return dy;
  const TensorRef dz = keep_dy ? recorder.temp("dz", y.shape) : dy;
  recorder.program.call(
      "backward_activation",
      recorder.kernels.activation({y.shape, activation_}, ActivationPass::kBackward), {dz},
      {y, dy});
  return dz;
}

AbsorbedActivation::Curved AbsorbedActivation::double_backward(Recorder& recorder,
                                                               const TensorRef& y,
                                                               const TensorRef& dy,
                                                               const TensorRef& uz) const {
  if (activation_.kind == ActivationKind::kIdentity) return {uz, {}};
  const ActivationDesc desc{y.shape, activation_};
  if (piecewise_linear(activation_.kind)) {
    recorder.program.call("tangent_activation",
                          recorder.kernels.activation(desc, ActivationPass::kBackward), {uz},
                          {y, uz});
    return {uz, {}};
  }
  const Curved curved{recorder.temp("uy", y.shape), recorder.temp("hz", y.shape)};
  recorder.program.call("tangent_activation",
                        recorder.kernels.activation(desc, ActivationPass::kDoubleBackward),
                        {curved.uy, curved.hz}, {y, dy, uz});
  return curved;
}

}  // namespace gantry
