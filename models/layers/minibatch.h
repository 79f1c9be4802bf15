// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"

namespace gantry {

// Minibatch discrimination (Salimans et al. 2016, section 3.2): y = [x, o] with m = x T and o_b the
// sum of exp(-|m_ib - m_jb|_1) over the other samples j of the batch group (kernels/ops/critic.h).
// Lets D see how much the samples of a batch are alike: those of all ranks, where they share one.
// x: [A,1,1], y: [A + features,1,1], T: (dimensions features) x A.
class MinibatchDiscrimination : public Layer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "minibatch_discrimination"; }
  LayerPlan plan(std::span<const Shape> x) override;
  bool mixes_samples() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 private:
  MinibatchDesc desc_for(const Recorder& recorder, const LayerPass& pass) const;
  DenseDesc projection(int64_t n) const { return {.n = n, .in = in_, .out = rows()}; }
  int64_t rows() const { return features_ * dimensions_; }
  TensorRef project(Recorder& recorder, const char* name, const TensorRef& x,
                    const TensorRef& weight) const;
  TensorRef join(Recorder& recorder, const char* name, const TensorRef& x,
                 const TensorRef& o) const;
  // The parts of a delta: that of x and that of o.
  TensorRefs split(Recorder& recorder, const TensorRef& dy) const;
  void add_weights(Recorder& recorder, const TensorRef& x, const TensorRef& dm, const TensorRef& dw,
                   bool accumulate) const;
  TensorRef data(Recorder& recorder, const TensorRef& dm, const TensorRef& weight) const;

  int64_t features_ = 100, dimensions_ = 5;
  int64_t in_ = 0;
};

}  // namespace gantry
