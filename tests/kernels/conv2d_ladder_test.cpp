// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

struct Geometry {
  int64_t n, c, h, w, out;
  std::array<int64_t, 2> kernel;
  std::array<int64_t, 2> stride = {1, 1};
  std::array<int64_t, 4> pad = {0, 0, 0, 0};  // top, bottom, left, right
  int64_t dilation = 1, groups = 1;
};

Conv2dDesc desc_of(const Geometry& g) {
  Conv2dDesc d;
  d.x = {g.n, g.c, g.h, g.w};
  d.w = {g.out, g.c / g.groups, g.kernel[0], g.kernel[1]};
  const auto extent = [&](int64_t size, int64_t pad, int64_t k, int64_t s) {
    return (size + pad - g.dilation * (k - 1) - 1) / s + 1;
  };
  d.y = {g.n, g.out, extent(g.h, g.pad[0] + g.pad[1], g.kernel[0], g.stride[0]),
         extent(g.w, g.pad[2] + g.pad[3], g.kernel[1], g.stride[1])};
  d.stride_h = g.stride[0];
  d.stride_w = g.stride[1];
  d.pad_top = g.pad[0];
  d.pad_left = g.pad[2];
  d.dilation_h = d.dilation_w = g.dilation;
  d.groups = g.groups;
  return d;
}

std::string name_of(const Conv2dDesc& d) {
  return concat(to_string(d.x), " * ", to_string(d.w), " -> ", to_string(d.y), " s", d.stride_h,
                "x", d.stride_w, " p", d.pad_top, ",", d.pad_left, " d", d.dilation_h, " g",
                d.groups);
}

// Small ones, for the checks of calculus as well as parity.
std::vector<Geometry> small_geometries() {
  return {
      {2, 3, 8, 8, 4, {4, 4}, {2, 2}, {1, 1, 1, 1}},        // DCGAN
      {2, 3, 6, 6, 5, {3, 3}, {1, 1}, {1, 1, 1, 1}},        //
      {1, 17, 5, 7, 3, {1, 1}},                             // pointwise
      {2, 4, 7, 5, 3, {1, 1}, {2, 2}},                      // pointwise with gaps
      {3, 1, 7, 7, 3, {5, 5}, {2, 2}, {1, 2, 1, 2}},        // "same", even stride
      {2, 2, 5, 6, 3, {4, 4}, {1, 1}, {1, 2, 1, 2}},        // "same", even kernel
      {1, 3, 9, 8, 2, {3, 3}, {1, 1}, {2, 2, 2, 2}, 2},     // dilation
      {1, 2, 9, 9, 2, {3, 3}, {2, 2}, {2, 1, 0, 3}, 2},     // dilation, stride, lopsided
      {2, 4, 5, 5, 6, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 2},  // groups
      {2, 5, 6, 6, 5, {3, 3}, {2, 2}, {1, 1, 1, 1}, 1, 5},  // depthwise
      {1, 3, 6, 6, 6, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 3},  // depthwise, multiplier 2
      {3, 4, 4, 4, 5, {4, 4}},                              // whole image to one pixel
      {1, 2, 8, 9, 3, {3, 3}, {2, 2}},                      // last row unread
      {2, 2, 7, 8, 3, {3, 5}, {2, 1}, {0, 1, 2, 1}},        // unlike in the two directions
      {1, 2, 7, 7, 2, {2, 2}, {3, 3}},                      // stride past the kernel
      {1, 2, 2, 2, 3, {3, 3}, {1, 1}, {1, 1, 1, 1}},        // kernel larger than the image
      {1, 1, 1, 1, 1, {1, 1}},                              //
  };
}

std::vector<Geometry> large_geometries() {
  return {
      {4, 3, 32, 32, 64, {4, 4}, {2, 2}, {1, 1, 1, 1}},
      {2, 64, 16, 16, 64, {4, 4}, {2, 2}, {1, 1, 1, 1}},
      {4, 64, 4, 4, 1, {4, 4}},
      {4, 1, 28, 28, 17, {5, 5}, {2, 2}, {1, 2, 1, 2}},
      {1, 64, 9, 11, 17, {3, 3}, {1, 1}, {1, 1, 1, 1}},
      {2, 128, 7, 7, 64, {4, 4}, {2, 2}, {1, 2, 1, 2}},
      {2, 17, 12, 12, 64, {3, 3}, {1, 1}, {1, 1, 1, 1}},
      {2, 32, 10, 10, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, 32},
  };
}

std::vector<Geometry> all_geometries() {
  std::vector<Geometry> all = small_geometries();
  for (const Geometry& g : large_geometries()) all.push_back(g);
  return all;
}

std::vector<Activation> fused_activations() {
  return {{},
          {ActivationKind::kReLU, 0},
          {ActivationKind::kLeakyReLU, 0.2f},
          {ActivationKind::kTanh, 0},
          {ActivationKind::kSigmoid, 0},
          {ActivationKind::kELU, 1},
          {ActivationKind::kSiLU, 0},
          {ActivationKind::kSoftplus, 0}};
}

OpCase forward_case(Conv2dDesc d, bool bias, const Activation& activation) {
  Sampler sample(1);
  d.bias = bias;
  d.activation = activation;
  OpCase test{
      "conv2d.forward",
      name_of(d) + activation_name(activation.kind),
      [d](Kernels& k) { return k.conv2d(d, Conv2dPass::kForward); },
      all_narrow({out(d.y), in(d.x, sample.normal(d.x)), in(d.w, sample.normal(d.w, 0, 0.1))}),
      {}};
  if (bias) test.args.push_back(in(vector_shape(d.y.c), sample.normal(vector_shape(d.y.c))));
  return test;
}

OpCase backward_data_case(Conv2dDesc d, bool bias, const Activation& activation) {
  Sampler sample(2);
  d.bias = bias;
  d.activation = activation;
  OpCase test{
      "conv2d.backward_data",
      name_of(d) + activation_name(activation.kind),
      [d](Kernels& k) { return k.conv2d(d, Conv2dPass::kBackwardData); },
      all_narrow({out(d.x), in(d.y, sample.normal(d.y)), in(d.w, sample.normal(d.w, 0, 0.1))}),
      {}};
  if (bias) test.args.push_back(in(vector_shape(d.x.c), sample.normal(vector_shape(d.x.c))));
  return test;
}

OpCase backward_weights_case(Conv2dDesc d, bool accumulate) {
  Sampler sample(3);
  d.accumulate = accumulate;
  const Vec old = sample.normal(d.w);
  return {"conv2d.backward_weights",
          name_of(d),
          [d](Kernels& k) { return k.conv2d(d, Conv2dPass::kBackwardWeights); },
          {accumulate ? inout(d.w, old) : out(d.w), narrow(in(d.x, sample.normal(d.x))),
           narrow(in(d.y, sample.normal(d.y)))},
          {}};
}

TEST(Conv2dLadder, ForwardIsTheReference) {
  for (const Geometry& g : all_geometries()) {
    check_parity(forward_case(desc_of(g), false, {}));
    check_parity(forward_case(desc_of(g), true, {ActivationKind::kLeakyReLU, 0.2f}));
  }
}

TEST(Conv2dLadder, BackwardDataIsTheReference) {
  for (const Geometry& g : all_geometries()) {
    check_parity(backward_data_case(desc_of(g), false, {}));
    check_parity(backward_data_case(desc_of(g), true, {ActivationKind::kReLU, 0}));
  }
}

TEST(Conv2dLadder, EveryActivationFuses) {
  const Conv2dDesc d = desc_of(small_geometries()[0]);
  for (const Activation& activation : fused_activations()) {
    for (const bool bias : {false, true}) {
      check_parity(forward_case(d, bias, activation));
      check_parity(backward_data_case(d, bias, activation));
    }
  }
}

TEST(Conv2dLadder, BackwardWeightsIsTheReference) {
  for (const Geometry& g : all_geometries()) {
    check_parity(backward_weights_case(desc_of(g), false));
    check_parity(backward_weights_case(desc_of(g), true));
    check_accumulate(backward_weights_case(desc_of(g), false),
                     backward_weights_case(desc_of(g), true));
  }
}

// One kernel of conv2d on the reference.
Vec conv(const Conv2dDesc& d, Conv2dPass pass, const Shape& result, std::vector<Arg> inputs) {
  inputs.insert(inputs.begin(), out(result));
  return run(
      reference_backend(), [&](Kernels& k) { return k.conv2d(d, pass); }, inputs)[0];
}

Differentiable convolution(const Geometry& g) {
  const Conv2dDesc d = desc_of(g);
  Sampler sample(4);
  Differentiable op;
  op.name = name_of(d);
  op.at = {sample.normal(d.x), sample.normal(d.w)};
  op.output_size = static_cast<size_t>(d.y.elements());
  op.forward = [d](const std::vector<Vec>& at) {
    return conv(d, Conv2dPass::kForward, d.y, {in(d.x, at[0]), in(d.w, at[1])});
  };
  op.backward = [d](const std::vector<Vec>& at, const Vec& dy) {
    return std::vector<Vec>{
        conv(d, Conv2dPass::kBackwardData, d.x, {in(d.y, dy), in(d.w, at[1])}),
        conv(d, Conv2dPass::kBackwardWeights, d.w, {in(d.x, at[0]), in(d.y, dy)})};
  };
  // Linear in x: dB/dw is the weight gradient with x replaced by u.
  op.double_backward = [d](const std::vector<Vec>& at, const Vec& dy, const Vec& u) {
    return std::vector<Vec>{conv(d, Conv2dPass::kForward, d.y, {in(d.x, u), in(d.w, at[1])}),
                            {},
                            conv(d, Conv2dPass::kBackwardWeights, d.w, {in(d.x, u), in(d.y, dy)})};
  };
  return op;
}

// The same descriptor with the roles of data-forward and data-backward exchanged.
Differentiable transposed(const Geometry& g) {
  const Conv2dDesc d = desc_of(g);
  Sampler sample(5);
  Differentiable op;
  op.name = "transposed " + name_of(d);
  op.at = {sample.normal(d.y), sample.normal(d.w)};
  op.output_size = static_cast<size_t>(d.x.elements());
  op.forward = [d](const std::vector<Vec>& at) {
    return conv(d, Conv2dPass::kBackwardData, d.x, {in(d.y, at[0]), in(d.w, at[1])});
  };
  op.backward = [d](const std::vector<Vec>& at, const Vec& dy) {
    return std::vector<Vec>{
        conv(d, Conv2dPass::kForward, d.y, {in(d.x, dy), in(d.w, at[1])}),
        conv(d, Conv2dPass::kBackwardWeights, d.w, {in(d.x, dy), in(d.y, at[0])})};
  };
  op.double_backward = [d](const std::vector<Vec>& at, const Vec& dy, const Vec& u) {
    return std::vector<Vec>{conv(d, Conv2dPass::kBackwardData, d.x, {in(d.y, u), in(d.w, at[1])}),
                            {},
                            conv(d, Conv2dPass::kBackwardWeights, d.w, {in(d.x, dy), in(d.y, u)})};
  };
  return op;
}

TEST(Conv2dLadder, Calculus) {
  for (const Geometry& g : small_geometries()) check_calculus(convolution(g));
}

TEST(Conv2dLadder, CalculusTransposed) {
  for (const Geometry& g : small_geometries()) check_calculus(transposed(g));
}

}  // namespace
}  // namespace gantry::ladder
