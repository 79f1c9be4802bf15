// SPDX-License-Identifier: Apache-2.0
#include "models/layers/dense.h"

#include "models/layers/window.h"

namespace gantry {

void Dense::describe(Fields& f) {
  f.integer({"units", "Number of outputs.", true}, units_, {1, kMaxChannels});
  describe_parameters(f);
}

LayerPlan Dense::plan(std::span<const Shape> x) {
  if (x[0].pixels() != 1) {
    throw ConfigError(concat(type(), " reads features [C,1,1], not an image ", config_shape(x[0]),
                             "; put {\"type\": \"flatten\"} before it"));
  }
  in_ = x[0].c;
  return make_plan(x[0], {1, units_, 1, 1}, {units_, in_, 1, 1});
}

KernelPtr Dense::forward_kernel(Recorder& recorder, int64_t n, bool bias,
                                const Activation& activation) const {
  return recorder.kernels.dense({n, in_, units_, bias, activation, false}, DensePass::kForward);
}

KernelPtr Dense::data_kernel(Recorder& recorder, int64_t n) const {
  return recorder.kernels.dense({n, in_, units_, false, {}, false}, DensePass::kBackwardData);
}

Dense::WeightsCall Dense::weights_call(Recorder& recorder, const TensorRef& x, const TensorRef& dz,
                                       bool accumulate) const {
  return {recorder.kernels.dense({x.shape.n, in_, units_, false, {}, accumulate},
                                 DensePass::kBackwardWeights),
          {x, dz}};
}

void Embedding::describe(Fields& f) {
  f.integer({"units", "Numbers that stand for a class.", true}, units_, {1, kMaxChannels});
  describe_spectral_norm(f);
}

LayerPlan Embedding::plan(std::span<const Shape> x) {
  leave_out_bias();
  LayerPlan plan = Dense::plan(x);
  Initializer& init = plan.params[0].init;
  init.kind = Initializer::Kind::kNormal;
  init.std = 1;
  return plan;
}

}  // namespace gantry
