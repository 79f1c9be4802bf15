// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layers/weighted_layer.h"

namespace gantry {

// y = act(x w^T + b). x: [in, 1, 1], y: [units, 1, 1].
class Dense : public WeightedLayer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "dense"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr forward_kernel(Recorder&, int64_t n, bool bias,
                           const Activation& activation) const override;
  KernelPtr data_kernel(Recorder&, int64_t n) const override;
  WeightsCall weights_call(Recorder&, const TensorRef& x, const TensorRef& dz,
                           bool accumulate) const override;

  int64_t units_ = 1;

 private:
  int64_t in_ = 0;
};

// y = x w^T on one-hot x: the row of a class, drawn from N(0, 1) as PyTorch's nn.Embedding (whose
// weight is the transpose). x: [classes, 1, 1], y: [units, 1, 1].
class Embedding : public Dense {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "embedding"; }
  LayerPlan plan(std::span<const Shape> x) override;
};

}  // namespace gantry
