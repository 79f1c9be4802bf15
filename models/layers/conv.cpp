// SPDX-License-Identifier: Apache-2.0
#include "models/layers/conv.h"

namespace gantry {

Conv2dDesc make_desc(const Shape& x, const Shape& w, const Shape& y, const Windows& windows,
                     int64_t groups) {
  Conv2dDesc desc;
  desc.x = x;
  desc.w = w;
  desc.y = y;
  desc.groups = groups;
  desc.stride_h = windows.h.stride;
  desc.stride_w = windows.w.stride;
  desc.pad_top = windows.h.before;
  desc.pad_left = windows.w.before;
  desc.dilation_h = windows.h.dilation;
  desc.dilation_w = windows.w.dilation;
  return desc;
}

Conv2dDesc with_samples(Conv2dDesc desc, int64_t n) {
  desc.x.n = desc.y.n = n;
  return desc;
}

void ConvConfig::describe(Fields& f) {
  f.integer({"channels", "Number of output channels.", true}, channels, {1, kMaxChannels});
  f.pair({"kernel", "Height and width of the filters.", true}, kernel, {1, kMaxKernel});
  f.pair({"stride", "Pixels from one position of a filter to the next."}, stride, {1, kMaxKernel});
  f.padding({"padding", "Zeros around the image."}, padding);
  f.pair({"dilation", "Pixels from one tap of a filter to the next."}, dilation, {1, kMaxKernel});
  f.integer({"groups", "Equal parts of the channels that do not see each other."}, groups,
            {1, kMaxChannels});
}

void ConvConfig::check_groups(int64_t in) const {
  if (in % groups == 0 && channels % groups == 0) return;
  throw ConfigError(concat("groups ", groups, " must divide both the ", in,
                           " input channels and the ", channels, " output channels"));
}

void Conv::describe(Fields& f) {
  config_.describe(f);
  describe_parameters(f);
}

LayerPlan Conv::plan(std::span<const Shape> x) {
  config_.check_groups(x[0].c);
  Windows windows = make_windows(config_.kernel, config_.stride, config_.dilation, config_.padding);
  const Shape y{1, config_.channels, slide(windows.h, x[0].h, "height"),
                slide(windows.w, x[0].w, "width")};
  const Shape w{config_.channels, x[0].c / config_.groups, config_.kernel[0], config_.kernel[1]};
  desc_ = make_desc(x[0], w, y, windows, config_.groups);
  return make_plan(x[0], y, w);
}

KernelPtr Conv::forward_kernel(Recorder& recorder, int64_t n, bool bias,
                               const Activation& activation) const {
  Conv2dDesc desc = with_samples(desc_, n);
  desc.bias = bias;
  desc.activation = activation;
  return recorder.kernels.conv2d(desc, Conv2dPass::kForward);
}

KernelPtr Conv::data_kernel(Recorder& recorder, int64_t n) const {
  return recorder.kernels.conv2d(with_samples(desc_, n), Conv2dPass::kBackwardData);
}

Conv::WeightsCall Conv::weights_call(Recorder& recorder, const TensorRef& x, const TensorRef& dz,
                                     bool accumulate) const {
  Conv2dDesc desc = with_samples(desc_, x.shape.n);
  desc.accumulate = accumulate;
  return {recorder.kernels.conv2d(desc, Conv2dPass::kBackwardWeights), {x, dz}};
}

}  // namespace gantry
