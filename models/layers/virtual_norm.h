// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// Virtual batch norm (Salimans et al. 2016, section 3.4): each sample is normalised with the
// statistics of a batch that never changes and, with the weight of one sample more, its own
// (kernels/ops/virtual_norm.h). The first pass.reference samples of x are that batch.
class VirtualBatchNorm : public Layer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "virtual_batch_norm"; }
  LayerPlan plan(std::span<const Shape> x) override;
  bool needs_reference() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  bool has_double_backward() const override { return false; }
  Tangent double_backward(Recorder&, const LayerPass&, const TensorRef&, const TensorRefs&,
                          const GradTarget&) const override;

 private:
  VirtualNormDesc desc_for(const LayerPass& pass) const;

  double eps_ = 1e-5;
};

}  // namespace gantry
