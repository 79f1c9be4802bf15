// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// y = f(x) element by element: relu, leaky_relu, tanh, sigmoid, elu, silu, softplus. Keeps y, or x
// where f' cannot be had from y.
class Pointwise : public Layer {
 public:
  explicit Pointwise(ActivationKind kind);

  void describe(Fields& f) override;
  const char* type() const override { return activation_name(activation_.kind); }
  LayerPlan plan(std::span<const Shape> x) override { return {x[0], {}, {}}; }
  const Activation* pointwise() const override { return &activation_; }
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  const TensorRef& saved(const LayerPass& pass) const;

  Activation activation_;
};

}  // namespace gantry
