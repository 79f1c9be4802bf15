// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// y = [x1; x2; ...] along the channels.
class Concat : public Layer {
 public:
  const char* type() const override { return "concat"; }
  size_t min_inputs() const override { return 2; }
  size_t max_inputs() const override { return SIZE_MAX; }
  LayerPlan plan(std::span<const Shape> x) override;
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  TensorRef record(Recorder& recorder, const char* call, const char* name,
                   const TensorRefs& x) const;
};

// y = x1 + x2 + ...
class Add : public Layer {
 public:
  const char* type() const override { return "add"; }
  size_t min_inputs() const override { return 2; }
  size_t max_inputs() const override { return SIZE_MAX; }
  LayerPlan plan(std::span<const Shape> x) override;
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  TensorRef record(Recorder& recorder, const char* call, const char* name,
                   const TensorRefs& x) const;
};

}  // namespace gantry
