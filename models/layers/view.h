// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "models/layer.h"

namespace gantry {

// The same memory seen with another shape: nothing is computed and no call is recorded.
class View : public Layer {
 public:
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder&, LayerPass& pass) const override {
    return pass.x[0].reshaped(y_.with_n(pass.x[0].shape.n));
  }
  TensorRefs backward(Recorder&, const LayerPass& pass, const TensorRef& dy, const GradTarget&,
                      const BackwardRequest&) const override {
    return {dy.reshaped(pass.x[0].shape)};
  }
  Tangent double_backward(Recorder&, const LayerPass&, const TensorRef&, const TensorRefs& ux,
                          const GradTarget&) const override {
    return {ux[0].reshaped(y_.with_n(ux[0].shape.n)), {TensorRef{}}};
  }

 protected:
  Shape y_;  // n = 1
};

// Elements keep their order in memory, which is H, W, C (as in Keras).
class Reshape : public View {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "reshape"; }
  LayerPlan plan(std::span<const Shape> x) override;

 private:
  std::vector<int64_t> shape_{1};
};

// [C,H,W] -> [C H W,1,1], in the order H, W, C.
class Flatten : public View {
 public:
  const char* type() const override { return "flatten"; }
  LayerPlan plan(std::span<const Shape> x) override;
};

}  // namespace gantry
