// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// Inverted dropout: y = x m / (1 - rate), m = 0 with probability rate; y = x in inference. Passes
// of one recording share m; recordings with other pass ids draw their own.
class Dropout : public Layer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "dropout"; }
  LayerPlan plan(std::span<const Shape> x) override { return {x[0], {}, {}}; }
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  // y = x m / (1 - rate), the only thing any pass does.
  void record_mask(Recorder& recorder, const LayerPass& pass, const char* name, const TensorRef& y,
                   const TensorRef& x) const;
  bool off(const LayerPass& pass) const { return pass.mode == Mode::kInference || rate_ == 0; }

  double rate_ = 0.5;
};

}  // namespace gantry
