// SPDX-License-Identifier: Apache-2.0
#include "models/layers/virtual_norm.h"

namespace gantry {

void VirtualBatchNorm::describe(Fields& f) {
  f.real({"eps", "Added to the variance."}, eps_, {.min = 0, .max = 1, .open_min = true});
}

LayerPlan VirtualBatchNorm::plan(std::span<const Shape> x) {
  Initializer ones, zeros;
  ones.kind = Initializer::Kind::kOnes;
  const Shape shape = vector_shape(x[0].c);
  return {x[0], {{"scale", shape, {}, ones, false}, {"shift", shape, {}, zeros, false}}, {}};
}

VirtualNormDesc VirtualBatchNorm::desc_for(const LayerPass& pass) const {
  return {.x = pass.x[0].shape, .reference = pass.reference, .eps = static_cast<float>(eps_)};
}

TensorRef VirtualBatchNorm::forward(Recorder& recorder, LayerPass& pass) const {
  const VirtualNormDesc desc = desc_for(pass);
  const TensorRef y = recorder.temp("y", desc.x);
  pass.saved = {recorder.temp("mean", desc.stats()), recorder.temp("rstd", desc.stats())};
  recorder.program.call("forward", recorder.kernels.virtual_norm(desc, VirtualNormPass::kForward),
                        {y, pass.saved[0], pass.saved[1]},
                        {pass.x[0], pass.params[0], pass.params[1]});
  return y;
}

TensorRefs VirtualBatchNorm::backward(Recorder& recorder, const LayerPass& pass,
                                      const TensorRef& dy, const GradTarget& target,
                                      const BackwardRequest& request) const {
  VirtualNormDesc desc = desc_for(pass);
  const TensorRef dx = request.keep_dy ? recorder.temp("dx", dy.shape) : dy;
  const TensorRefs inputs = {pass.x[0], dy, pass.params[0], pass.saved[0], pass.saved[1]};
  if (!target) {
    recorder.program.call("backward_data",
                          recorder.kernels.virtual_norm(desc, VirtualNormPass::kBackwardData), {dx},
                          inputs);
    return {dx};
  }
  desc.accumulate = target.accumulate;
  const KernelPtr kernel = recorder.kernels.virtual_norm(desc, VirtualNormPass::kBackward);
  if (target.accumulate) {
    recorder.program.call("backward", kernel, {dx}, inputs, target.grads);
  } else {
    recorder.program.call("backward", kernel, {dx, target.grads[0], target.grads[1]}, inputs);
  }
  return {dx};
}

Tangent VirtualBatchNorm::double_backward(Recorder&, const LayerPass& pass, const TensorRef&,
                                          const TensorRefs&, const GradTarget&) const {
  GANTRY_CHECK(false, pass.name, ": virtual batch norm has no second order");
  return {};
}

}  // namespace gantry
