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
  bool can_be_narrow() const override { return true; }
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
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  TensorRef record(Recorder& recorder, const char* call, const char* name,
                   const TensorRefs& x) const;
};

// y = the inner product of two inputs of one shape, per sample: [1,1,1]. With an embedding of the
// label it is the projection discriminator (Miyato, Koyama 2018, eq. 3).
class Dot : public Layer {
 public:
  const char* type() const override { return "dot"; }
  size_t min_inputs() const override { return 2; }
  size_t max_inputs() const override { return 2; }
  LayerPlan plan(std::span<const Shape> x) override;
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;
};

}  // namespace gantry
