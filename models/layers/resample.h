// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/layer.h"
#include "models/layers/window.h"

namespace gantry {

// A linear map of one image to another, y = A x, without parameters: its tangent is A ux. A derived
// layer gives the kernel.
class Resample : public Layer {
 public:
  bool can_be_narrow() const override { return true; }
  TensorRef forward(Recorder& recorder, LayerPass& pass) const override {
    return record(recorder, "forward", "y", LinearPass::kForward, pass.x[0]);
  }
  TensorRefs backward(Recorder& recorder, const LayerPass&, const TensorRef& dy, const GradTarget&,
                      const BackwardRequest& request) const override {
    if (!request.want_dx[0]) return {TensorRef{}};
    return {record(recorder, "backward", "dx", LinearPass::kBackward, dy)};
  }
  Tangent double_backward(Recorder& recorder, const LayerPass&, const TensorRef&,
                          const TensorRefs& ux, const GradTarget&) const override {
    return {record(recorder, "tangent", "uy", LinearPass::kForward, ux[0]), {TensorRef{}}};
  }

 protected:
  virtual KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const = 0;

  Shape x_, y_;  // n = 1

 private:
  TensorRef record(Recorder& recorder, const char* call, const char* name, LinearPass pass,
                   const TensorRef& from) const;
};

// Repeats (nearest) or interpolates (bilinear) pixels; kernels/ops/spatial.h.
class Upsample : public Resample {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "upsample"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const override;

 private:
  int64_t factor_ = 2;
  UpsampleDesc::Kind kind_ = UpsampleDesc::Kind::kNearest;
};

// Adds a frame of zeros or of reflected pixels.
class Pad : public Resample {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "pad"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const override;

 private:
  Padding padding_;
  PadDesc desc_;  // n = 1
};

// Cuts a frame off.
class Crop : public Resample {
 public:
  void describe(Fields& f) override;
  const char* type() const override { return "crop"; }
  LayerPlan plan(std::span<const Shape> x) override;

 protected:
  KernelPtr kernel(Recorder&, int64_t n, LinearPass pass) const override;

 private:
  Padding padding_;
  PadDesc desc_;  // n = 1
};

}  // namespace gantry
