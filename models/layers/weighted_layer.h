// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layers/absorbed_activation.h"

namespace gantry {

// y = act(A(w) x + b): what dense, convolution and transposed convolution have in common. A derived
// layer gives three kernels; the order of calls, the absorbed activation and second order are here.
class WeightedLayer : public Layer {
 public:
  bool absorb(const Activation& activation) override { return tail_.absorb(activation); }
  bool spectral_norm() const override { return spectral_norm_; }
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override;
  TensorRefs backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                      const GradTarget& target, const BackwardRequest& request) const override;
  Tangent double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                          const TensorRefs& ux, const GradTarget& target) const override;

 protected:
  // The keys that all of them have.
  void describe_parameters(Fields& f);
  void describe_spectral_norm(Fields& f);
  void leave_out_bias() { bias_ = false; }
  // Weight and, if asked for, bias: PyTorch's default, uniform within 1 / sqrt(fan_in).
  LayerPlan make_plan(const Shape& x, const Shape& y, const Shape& weight);

  // {y | x, w, [b]} for n samples.
  virtual KernelPtr forward_kernel(Recorder&, int64_t n, bool bias,
                                   const Activation& activation) const = 0;
  // {dx | dz, w}
  virtual KernelPtr data_kernel(Recorder&, int64_t n) const = 0;
  // Kernel and inputs of dw (+)= d(dz^T A(w) x)/dw.
  struct WeightsCall {
    KernelPtr kernel;
    TensorRefs inputs;
  };
  virtual WeightsCall weights_call(Recorder&, const TensorRef& x, const TensorRef& dz,
                                   bool accumulate) const = 0;

 private:
  void record_weights(Recorder& recorder, const TensorRef& x, const TensorRef& dz,
                      const TensorRef& dw, bool accumulate) const;
  void record_bias(Recorder& recorder, const TensorRef& dz, const TensorRef& db,
                   bool accumulate) const;
  TensorRef record_data(Recorder& recorder, const LayerPass& pass, const TensorRef& dz) const;

  Shape x_, y_;  // n = 1
  bool bias_ = true;
  bool spectral_norm_ = false;
  AbsorbedActivation tail_;
};

}  // namespace gantry
