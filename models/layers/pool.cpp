// SPDX-License-Identifier: Apache-2.0
#include "models/layers/pool.h"

namespace gantry {

namespace {

// One window over the whole image.
PoolDesc global_desc(PoolDesc::Kind kind, const Shape& x) {
  PoolDesc desc;
  desc.kind = kind;
  desc.x = x;
  desc.y = {1, x.c, 1, 1};
  desc.kernel_h = desc.stride_h = x.h;
  desc.kernel_w = desc.stride_w = x.w;
  return desc;
}

PoolDesc with_samples(PoolDesc desc, int64_t n) {
  desc.x.n = desc.y.n = n;
  return desc;
}

PoolPass pool_pass(LinearPass pass) {
  return pass == LinearPass::kForward ? PoolPass::kForward : PoolPass::kBackward;
}

// Every window must hold at least one pixel.
void check_padding(const Window& window, const char* axis) {
  if (window.before < window.kernel && window.after < window.kernel) return;
  throw ConfigError(concat("padding ", window.before, " + ", window.after, " of the ", axis,
                           " is not less than the kernel ", window.kernel,
                           ", so a window may hold no pixel; use less padding"));
}

}  // namespace

void PoolConfig::describe(Fields& f) {
  f.pair({"kernel", "Height and width of the windows."}, kernel, {1, kMaxKernel});
  f.pair({"stride", "Pixels from one window to the next; 0: as many as the kernel has."}, stride,
         {0, kMaxKernel});
  f.padding({"padding", "Space around the image that counts for nothing."}, padding);
}

PoolDesc PoolConfig::plan(PoolDesc::Kind kind, const Shape& x) const {
  const std::array<int64_t, 2> step{stride[0] > 0 ? stride[0] : kernel[0],
                                    stride[1] > 0 ? stride[1] : kernel[1]};
  Windows windows = make_windows(kernel, step, {1, 1}, padding);
  PoolDesc desc;
  desc.kind = kind;
  desc.x = x;
  desc.y = {1, x.c, slide(windows.h, x.h, "height"), slide(windows.w, x.w, "width")};
  check_padding(windows.h, "height");
  check_padding(windows.w, "width");
  desc.kernel_h = kernel[0];
  desc.kernel_w = kernel[1];
  desc.stride_h = step[0];
  desc.stride_w = step[1];
  desc.pad_top = windows.h.before;
  desc.pad_left = windows.w.before;
  return desc;
}

LayerPlan AveragePool::plan(std::span<const Shape> x) {
  desc_ = config_.plan(PoolDesc::Kind::kAverage, x[0]);
  x_ = desc_.x;
  y_ = desc_.y;
  return {y_, {}, {}};
}

KernelPtr AveragePool::kernel(Recorder& recorder, int64_t n, LinearPass pass) const {
  return recorder.kernels.pool(with_samples(desc_, n), pool_pass(pass));
}

LayerPlan GlobalAveragePool::plan(std::span<const Shape> x) {
  desc_ = global_desc(PoolDesc::Kind::kAverage, x[0]);
  x_ = desc_.x;
  y_ = desc_.y;
  return {y_, {}, {}};
}

KernelPtr GlobalAveragePool::kernel(Recorder& recorder, int64_t n, LinearPass pass) const {
  return recorder.kernels.pool(with_samples(desc_, n), pool_pass(pass));
}

LayerPlan MaxPool::plan(std::span<const Shape> x) {
  desc_ = config_.plan(PoolDesc::Kind::kMax, x[0]);
  return {desc_.y, {}, {}};
}

TensorRef MaxPool::forward(Recorder& recorder, LayerPass& pass) const {
  const PoolDesc desc = with_samples(desc_, pass.x[0].shape.n);
  const TensorRef y = recorder.temp("y", desc.y);
  pass.saved = {recorder.program.temp("index", desc.y, DType::kI32)};
  recorder.program.call("forward", recorder.kernels.pool(desc, PoolPass::kForward),
                        {y, pass.saved[0]}, {pass.x[0]});
  return y;
}

TensorRefs MaxPool::backward(Recorder& recorder, const LayerPass& pass, const TensorRef& dy,
                             const GradTarget&, const BackwardRequest& request) const {
  if (!request.want_dx[0]) return {TensorRef{}};
  const PoolDesc desc = with_samples(desc_, dy.shape.n);
  const TensorRef dx = recorder.temp("dx", desc.x);
  recorder.program.call("backward", recorder.kernels.pool(desc, PoolPass::kBackward), {dx},
                        {dy, pass.saved[0]});
  return {dx};
}

Tangent MaxPool::double_backward(Recorder& recorder, const LayerPass& pass, const TensorRef&,
                                 const TensorRefs& ux, const GradTarget&) const {
  const PoolDesc desc = with_samples(desc_, ux[0].shape.n);
  const TensorRef uy = recorder.temp("uy", desc.y);
  recorder.program.call("tangent", recorder.kernels.pool(desc, PoolPass::kTangent), {uy},
                        {ux[0], pass.saved[0]});
  return {uy, {TensorRef{}}};
}

LayerPlan GlobalMaxPool::plan(std::span<const Shape> x) {
  desc_ = global_desc(PoolDesc::Kind::kMax, x[0]);
  return {desc_.y, {}, {}};
}

}  // namespace gantry
