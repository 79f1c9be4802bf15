// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layers/resample.h"

namespace gantry {

struct PoolConfig {
  std::array<int64_t, 2> kernel{2, 2};
  std::array<int64_t, 2> stride{0, 0};  // 0: the kernel's
  Padding padding;

  void describe(Fields& f);
  // The descriptor for an image x, n = 1. Throws ConfigError.
  PoolDesc plan(PoolDesc::Kind kind, const Shape& x) const;
};

// Mean over windows; padding is left out of the mean.
class AveragePool : public Resample {
 public:
  void describe(Fields& f) override { config_.describe(f); }
  const char* type() const override { return "average_pool"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const override;

 private:
  PoolConfig config_;
  PoolDesc desc_;  // n = 1
};

// Mean of each channel's pixels, [C,H,W] -> [C,1,1].
class GlobalAveragePool : public Resample {
 public:
  const char* type() const override { return "global_average_pool"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const override;

 private:
  PoolDesc desc_;  // n = 1
};

// Largest value of each window. Keeps where it was.
class MaxPool : public Layer {
 public:
  void describe(Fields& f) override { config_.describe(f); }
  const char* type() const override { return "max_pool"; }
  LayerPlan plan(std::span<const Shape> x) override;
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 protected:
  PoolDesc desc_;  // n = 1

 private:
  PoolConfig config_;
};

// Largest value of each channel, [C,H,W] -> [C,1,1].
class GlobalMaxPool : public MaxPool {
 public:
  void describe(Fields&) override {}
  const char* type() const override { return "global_max_pool"; }
  LayerPlan plan(std::span<const Shape> x) override;
};

}  // namespace gantry
