// SPDX-License-Identifier: Apache-2.0
#include "models/layers/resample.h"

namespace gantry {

namespace {

constexpr int64_t kMaxFactor = 1024;
constexpr const char* kUpsampleKinds[] = {"nearest", "bilinear"};
constexpr const char* kPadKinds[] = {"zero", "reflect"};

PadDesc pad_desc(PadDesc::Kind kind, const Shape& x, const Padding& padding, int64_t sign) {
  return {kind,
          x,
          sign * padding.top,
          sign * padding.bottom,
          sign * padding.left,
          sign * padding.right};
}

}  // namespace

TensorRef Resample::record(Recorder& recorder, const char* call, const char* name, LinearPass pass,
                           const TensorRef& from) const {
  const int64_t n = from.shape.n;
  const Shape& to = pass == LinearPass::kForward ? y_ : x_;
  const TensorRef result = recorder.temp(name, to.with_n(n));
  recorder.program.call(call, kernel(recorder, n, pass), {result}, {from});
  return result;
}

void Upsample::describe(Fields& f) {
  f.integer({"factor", "How many times larger height and width become."}, factor_, {1, kMaxFactor});
  f.choice_of({"kind", "Repeat pixels, or interpolate between them."}, kind_, kUpsampleKinds);
}

LayerPlan Upsample::plan(std::span<const Shape> x) {
  x_ = x[0];
  y_ = {1, x_.c, x_.h * factor_, x_.w * factor_};
  return {y_, {}, {}};
}

KernelPtr Upsample::kernel(Recorder& recorder, int64_t n, LinearPass pass) const {
  return recorder.kernels.upsample({x_.with_n(n), factor_, kind_}, pass);
}

void Pad::describe(Fields& f) {
  f.padding({"padding", "Pixels to add on each side.", true}, padding_);
  f.require(!padding_.same, "padding", "must say how many pixels");
  f.choice_of({"kind", "What the frame holds: zeros, or the pixels mirrored at the edge."},
              desc_.kind, kPadKinds);
}

LayerPlan Pad::plan(std::span<const Shape> x) {
  x_ = x[0];
  desc_ = pad_desc(desc_.kind, x_, padding_, 1);
  y_ = desc_.y();
  const auto [same, top, bottom, left, right] = padding_;
  const bool too_far = top >= x_.h || bottom >= x_.h || left >= x_.w || right >= x_.w;
  if (desc_.kind == PadDesc::Kind::kReflect && too_far) {
    throw ConfigError(concat("padding [", top, ",", bottom, ",", left, ",", right,
                             "] mirrors more than ", config_shape(x_),
                             " has; each side must be less than the height or width"));
  }
  return {y_, {}, {}};
}

KernelPtr Pad::kernel(Recorder& recorder, int64_t n, LinearPass pass) const {
  PadDesc desc = desc_;
  desc.x.n = n;
  return recorder.kernels.pad(desc, pass);
}

void Crop::describe(Fields& f) {
  f.padding({"padding", "Pixels to cut off on each side.", true}, padding_);
  f.require(!padding_.same, "padding", "must say how many pixels");
}

LayerPlan Crop::plan(std::span<const Shape> x) {
  x_ = x[0];
  desc_ = pad_desc(PadDesc::Kind::kZero, x_, padding_, -1);
  y_ = desc_.y();
  if (y_.h < 1 || y_.w < 1) {
    throw ConfigError(concat("cutting [", padding_.top, ",", padding_.bottom, ",", padding_.left,
                             ",", padding_.right, "] off ", config_shape(x_),
                             " leaves nothing; cut less"));
  }
  return {y_, {}, {}};
}

KernelPtr Crop::kernel(Recorder& recorder, int64_t n, LinearPass pass) const {
  PadDesc desc = desc_;
  desc.x.n = n;
  return recorder.kernels.pad(desc, pass);
}

}  // namespace gantry
