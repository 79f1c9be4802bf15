// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layers/absorbed_activation.h"

namespace gantry {

// y = act(scale xhat + shift), xhat normalised over a group of values (kernels/ops/norm.h): what
// batch, layer, instance and group normalisation share. scale and shift: one number per channel.
class Norm : public Layer {
 public:
  bool absorb(const Activation& activation) override;
  LayerPlan plan(std::span<const Shape> x) override;
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 protected:
  explicit Norm(NormKind kind) { desc_.kind = kind; }
  void describe_common(Fields& f);

  NormDesc desc_;  // n = 1
  double eps_ = 1e-5;
  bool affine_ = true;  // scale and shift are learned; else they stay 1 and 0

 private:
  NormDesc desc_for(const LayerPass& pass) const;
  // The kernel of a pass. Where ranks share batch statistics, records the means that it needs of
  // all of them, which are then its last input.
  KernelPtr kernel_of(Recorder& recorder, NormDesc desc, NormPass pass, TensorRefs& inputs) const;
  // scale and shift: parameters, or states that never change.
  TensorRefs affine(const LayerPass& pass) const;
  // x, dy [, ux], scale, shift, mean, rstd
  TensorRefs inputs(const LayerPass& pass, TensorRefs first) const;
};

class BatchNorm : public Norm {
 public:
  BatchNorm() : Norm(NormKind::kBatch) {}
  void describe(Fields& f) override;
  const char* type() const override { return "batch_norm"; }
  LayerPlan plan(std::span<const Shape> x) override;
  bool mixes_samples() const override { return true; }

 private:
  double momentum_ = 0.1;
  bool unbiased_ = true;
};

class LayerNorm : public Norm {
 public:
  LayerNorm() : Norm(NormKind::kLayer) {}
  void describe(Fields& f) override { describe_common(f); }
  const char* type() const override { return "layer_norm"; }
};

class InstanceNorm : public Norm {
 public:
  InstanceNorm() : Norm(NormKind::kInstance) { affine_ = false; }
  void describe(Fields& f) override { describe_common(f); }
  const char* type() const override { return "instance_norm"; }
  LayerPlan plan(std::span<const Shape> x) override;
};

class GroupNorm : public Norm {
 public:
  GroupNorm() : Norm(NormKind::kGroup) {}
  void describe(Fields& f) override;
  const char* type() const override { return "group_norm"; }
  LayerPlan plan(std::span<const Shape> x) override;

 private:
  int64_t groups_ = 1;
};

}  // namespace gantry
