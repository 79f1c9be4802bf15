// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "models/layers/weighted_layer.h"
#include "models/layers/window.h"

namespace gantry {

// What a convolution and its transpose are configured with.
struct ConvConfig {
  int64_t channels = 1;
  std::array<int64_t, 2> kernel{3, 3}, stride{1, 1}, dilation{1, 1};
  Padding padding;
  int64_t groups = 1;

  void describe(Fields& f);
  // Throws ConfigError unless groups divides the channels on both sides.
  void check_groups(int64_t in) const;
};

// The plain descriptor, n = 1, of a convolution from x to y with filters w and these windows.
Conv2dDesc make_desc(const Shape& x, const Shape& w, const Shape& y, const Windows& windows,
                     int64_t groups);
Conv2dDesc with_samples(Conv2dDesc desc, int64_t n);

// y = act(w * x + b), * the cross-correlation of kernels/ops/conv2d.h.
class Conv : public WeightedLayer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "conv"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr forward_kernel(Recorder&, int64_t n, bool bias,
                           const Activation& activation) const override;
  KernelPtr data_kernel(Recorder&, int64_t n) const override;
  WeightsCall weights_call(Recorder&, const TensorRef& x, const TensorRef& dz,
                           bool accumulate) const override;

 private:
  ConvConfig config_;
  Conv2dDesc desc_;  // n = 1, plain
};

// The transpose of the linear map of a convolution, then bias and activation: kernels/ops/conv2d.h
// with the roles of its two data passes exchanged. Output size (H - 1) stride - padding + reach +
// output_padding; with padding "same" H stride, as in Keras.
class ConvTranspose : public WeightedLayer {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "conv_transpose"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr forward_kernel(Recorder&, int64_t n, bool bias,
                           const Activation& activation) const override;
  KernelPtr data_kernel(Recorder&, int64_t n) const override;
  WeightsCall weights_call(Recorder&, const TensorRef& x, const TensorRef& dz,
                           bool accumulate) const override;

 private:
  ConvConfig config_;
  std::array<int64_t, 2> output_padding_{0, 0};
  Conv2dDesc desc_;  // of the convolution from this layer's y to its x; n = 1, plain
};

}  // namespace gantry
