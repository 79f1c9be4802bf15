// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/layers/conv.h"

namespace gantry {

namespace {

// Size of the image on which `window` has `positions` positions, and `extra` rows are left over.
int64_t unslide(Window& window, int64_t positions, int64_t extra, const char* axis) {
  if (window.same) {
    const int64_t total = std::max<int64_t>(window.reach() - window.stride, 0);
    window.before = total / 2;
    window.after = total - total / 2;
    return positions * window.stride;
  }
  const int64_t size =
      (positions - 1) * window.stride + window.reach() - window.before - window.after + extra;
  if (size < 1) {
    throw ConfigError(
        concat("padding ", window.before, " + ", window.after, " leaves nothing of the ", axis,
               ", ", size + window.before + window.after, " before it is cut; use less padding"));
  }
  return size;
}

}  // namespace

void ConvTranspose::describe(Fields& f) {
  config_.describe(f);
  f.pair(
      {"output_padding", "Rows and columns added at the bottom and right, less than the stride."},
      output_padding_, {0, kMaxKernel});
  describe_parameters(f);
}

LayerPlan ConvTranspose::plan(std::span<const Shape> x) {
  config_.check_groups(x[0].c);
  const bool extra = output_padding_[0] > 0 || output_padding_[1] > 0;
  if (extra && config_.padding.same) {
    throw ConfigError(
        "output_padding has no meaning with padding \"same\", where the output is "
        "input x stride; remove one of them");
  }
  if (output_padding_[0] >= config_.stride[0] || output_padding_[1] >= config_.stride[1]) {
    throw ConfigError(concat("output_padding [", output_padding_[0], ",", output_padding_[1],
                             "] must be less than the stride [", config_.stride[0], ",",
                             config_.stride[1], "]"));
  }
  Windows windows = make_windows(config_.kernel, config_.stride, config_.dilation, config_.padding);
  const Shape y{1, config_.channels, unslide(windows.h, x[0].h, output_padding_[0], "height"),
                unslide(windows.w, x[0].w, output_padding_[1], "width")};
  const Shape w{x[0].c, config_.channels / config_.groups, config_.kernel[0], config_.kernel[1]};
  desc_ = make_desc(y, w, x[0], windows, config_.groups);
  return make_plan(x[0], y, w);
}

KernelPtr ConvTranspose::forward_kernel(Recorder& recorder, int64_t n, bool bias,
                                        const Activation& activation) const {
  Conv2dDesc desc = with_samples(desc_, n);
  desc.bias = bias;
  desc.activation = activation;
  return recorder.kernels.conv2d(desc, Conv2dPass::kBackwardData);
}

KernelPtr ConvTranspose::data_kernel(Recorder& recorder, int64_t n) const {
  const Conv2dDesc desc = with_samples(desc_, n);
  return recorder.kernels.conv2d(desc, Conv2dPass::kForward);
}

ConvTranspose::WeightsCall ConvTranspose::weights_call(Recorder& recorder, const TensorRef& x,
                                                       const TensorRef& dz, bool accumulate) const {
  Conv2dDesc desc = with_samples(desc_, x.shape.n);
  desc.accumulate = accumulate;
  return {recorder.kernels.conv2d(desc, Conv2dPass::kBackwardWeights), {dz, x}};
}

}  // namespace gantry
