// SPDX-License-Identifier: Apache-2.0
// Single ops against PyTorch: tests/golden/ops.safetensors, which tools/pytorch/golden_ops.py
// writes and explains. The reference backend first: it is what everything else is measured by.
#include "tests/kernels/golden.h"

#include <gtest/gtest.h>

namespace gantry::ladder {
namespace {

Maker conv(Conv2dDesc d, Conv2dPass pass, bool bias = false) {
  d.bias = bias;
  return [=](Kernels& k) { return k.conv2d(d, pass); };
}

void check_conv(const std::string& name, const Conv2dDesc& d) {
  on_every_backend(name, [&](Golden& g) {
    const Shape b = vector_shape(d.y.c);
    const Arg x = in(d.x, g.take(d.x)), w = in(d.w, g.take(d.w)), bias = in(b, g.take(b));
    const Arg dy = in(d.y, g.take(d.y)), ux = in(d.x, g.take(d.x));
    g.expect(g.run(conv(d, Conv2dPass::kForward, true), {out(d.y), x, w, bias})[0], "y");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardData), {out(d.x), dy, w})[0], "dx");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardWeights), {out(d.w), x, dy})[0], "dw");
    g.expect(g.run([&](Kernels& k) { return k.bias_grad({d.y, false}); }, {out(b), dy})[0], "db");
    g.expect(g.run(conv(d, Conv2dPass::kForward), {out(d.y), ux, w})[0], "uy");
    g.expect_zero(d.x, "hx");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardWeights), {out(d.w), ux, dy})[0], "hw");
    g.expect_zero(b, "hb");
  });
}

// d is the convolution of which the case is the transpose: its y is the input.
void check_transposed(const std::string& name, const Conv2dDesc& d) {
  on_every_backend(name, [&](Golden& g) {
    const Shape b = vector_shape(d.x.c);
    const Arg x = in(d.y, g.take(d.y)), w = in(d.w, g.take(d.w)), bias = in(b, g.take(b));
    const Arg dy = in(d.x, g.take(d.x)), ux = in(d.y, g.take(d.y));
    g.expect(g.run(conv(d, Conv2dPass::kBackwardData, true), {out(d.x), x, w, bias})[0], "y");
    g.expect(g.run(conv(d, Conv2dPass::kForward), {out(d.y), dy, w})[0], "dx");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardWeights), {out(d.w), dy, x})[0], "dw");
    g.expect(g.run([&](Kernels& k) { return k.bias_grad({d.x, false}); }, {out(b), dy})[0], "db");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardData), {out(d.x), ux, w})[0], "uy");
    g.expect_zero(d.y, "hx");
    g.expect(g.run(conv(d, Conv2dPass::kBackwardWeights), {out(d.w), dy, ux})[0], "hw");
    g.expect_zero(b, "hb");
  });
}

Conv2dDesc conv_desc(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t pad) {
  Conv2dDesc d;
  d.x = x;
  d.w = w;
  d.y = y;
  d.stride_h = d.stride_w = stride;
  d.pad_top = d.pad_left = pad;
  return d;
}

TEST(Golden, Convolutions) {
  check_conv("conv_dcgan", conv_desc({2, 2, 6, 4}, {3, 2, 4, 4}, {2, 3, 3, 2}, 2, 1));
  Conv2dDesc groups = conv_desc({1, 4, 3, 4}, {4, 2, 3, 3}, {1, 4, 3, 4}, 1, 1);
  groups.groups = 2;
  check_conv("conv_groups", groups);
  Conv2dDesc dilated = conv_desc({1, 2, 7, 5}, {3, 2, 3, 2}, {1, 3, 2, 3}, 2, 0);
  dilated.stride_w = 1;
  dilated.dilation_h = dilated.dilation_w = 2;
  check_conv("conv_dilated", dilated);
}

TEST(Golden, TransposedConvolutions) {
  check_transposed("transposed_dcgan", conv_desc({2, 2, 6, 4}, {3, 2, 4, 4}, {2, 3, 3, 2}, 2, 1));
  check_transposed("transposed_odd", conv_desc({1, 2, 6, 4}, {2, 2, 3, 3}, {1, 2, 3, 2}, 2, 1));
}

TEST(Golden, Dense) {
  on_every_backend("dense", [](Golden& g) {
    const Shape x{3, 5, 1, 1}, w{4, 5, 1, 1}, y{3, 4, 1, 1}, b = vector_shape(4);
    const auto dense = [](DensePass pass, bool bias) -> Maker {
      return [=](Kernels& k) { return k.dense({3, 5, 4, bias, {}, false}, pass); };
    };
    const Arg xa = in(x, g.take(x)), wa = in(w, g.take(w)), bias = in(b, g.take(b));
    const Arg dy = in(y, g.take(y)), ux = in(x, g.take(x));
    g.expect(g.run(dense(DensePass::kForward, true), {out(y), xa, wa, bias})[0], "y");
    g.expect(g.run(dense(DensePass::kBackwardData, false), {out(x), dy, wa})[0], "dx");
    g.expect(g.run(dense(DensePass::kBackwardWeights, false), {out(w), xa, dy})[0], "dw");
    g.expect(g.run([&](Kernels& k) { return k.bias_grad({y, false}); }, {out(b), dy})[0], "db");
    g.expect(g.run(dense(DensePass::kForward, false), {out(y), ux, wa})[0], "uy");
    g.expect_zero(x, "hx");
    g.expect(g.run(dense(DensePass::kBackwardWeights, false), {out(w), ux, dy})[0], "hw");
    g.expect_zero(b, "hb");
  });
}

NormDesc norm_desc(NormKind kind, const Shape& x, int64_t channel_groups = 1) {
  NormDesc d;
  d.kind = kind;
  d.x = x;
  d.channel_groups = channel_groups;
  d.eps = 0x1p-16f;
  d.activation = {ActivationKind::kLeakyReLU, 0.25f};
  d.momentum = 0.125f;
  d.track = false;
  return d;
}

Maker norm(const NormDesc& d, NormPass pass) {
  return [=](Kernels& k) { return k.norm(d, pass); };
}

void check_norm(const std::string& name, const NormDesc& d) {
  on_every_backend(name, [&](Golden& g) {
    const Shape c = vector_shape(d.x.c), stats = norm_stats_shape(d);
    const Arg x = in(d.x, g.take(d.x)), gamma = in(c, g.take(c)), beta = in(c, g.take(c));
    const Arg dy = in(d.x, g.take(d.x)), ux = in(d.x, g.take(d.x));
    const std::vector<Vec> f =
        g.run(norm(d, NormPass::kForward), {out(d.x), out(stats), out(stats), x, gamma, beta});
    g.expect(f[0], "y");
    const Arg mean = in(stats, f[1]), rstd = in(stats, f[2]);
    const std::vector<Vec> first = g.run(
        norm(d, NormPass::kBackward), {out(d.x), out(c), out(c), x, dy, gamma, beta, mean, rstd});
    g.expect(first[0], "dx");
    g.expect(first[1], "dgamma");
    g.expect(first[2], "dbeta");
    const Arg none = inout(c, Vec(static_cast<size_t>(d.x.c)));
    const std::vector<Vec> second =
        g.run(norm(d, NormPass::kDoubleBackward),
              {out(d.x), out(d.x), none, x, dy, ux, gamma, beta, mean, rstd});
    g.expect(second[0], "uy");
    g.expect(second[1], "hx");
    g.expect(second[2], "hgamma");
    g.expect_zero(c, "hbeta");
  });
}

TEST(Golden, Norms) {
  check_norm("batch_norm", norm_desc(NormKind::kBatch, {4, 3, 2, 2}));
  check_norm("layer_norm", norm_desc(NormKind::kLayer, {2, 4, 2, 3}));
  check_norm("instance_norm", norm_desc(NormKind::kInstance, {2, 3, 3, 2}));
  check_norm("group_norm", norm_desc(NormKind::kGroup, {2, 6, 2, 2}, 3));
}

TEST(Golden, RunningStatistics) {
  NormDesc d = norm_desc(NormKind::kBatch, {4, 3, 2, 2});
  d.track = true;
  const Shape c = vector_shape(3);
  const Vec inputs = golden_sequence("batch_norm/in");  // x, gamma, beta, ...
  const auto part = [&](ptrdiff_t first, ptrdiff_t count) {
    return Vec(inputs.begin() + first, inputs.begin() + first + count);
  };
  const Arg x = in(d.x, part(0, 48)), gamma = in(c, part(48, 3)), beta = in(c, part(51, 3));
  on_every_backend("running", [&](Golden& g) {
    const Arg mean = inout(c, g.take(c)), var = inout(c, g.take(c));
    const std::vector<Vec> f =
        g.run(norm(d, NormPass::kForward), {out(d.x), out(c), out(c), mean, var, x, gamma, beta});
    g.expect(f[3], "mean");
    g.expect(f[4], "variance");
    g.expect(g.run(norm(d, NormPass::kInference),
                   {out(d.x), x, gamma, beta, in(c, f[3]), in(c, f[4])})[0],
             "inference");
  });
}

TEST(Golden, Activations) {
  for (const Activation& a :
       {Activation{ActivationKind::kReLU, 0}, Activation{ActivationKind::kLeakyReLU, 0.25f},
        Activation{ActivationKind::kTanh, 0}, Activation{ActivationKind::kSigmoid, 0},
        Activation{ActivationKind::kELU, 0.5f}, Activation{ActivationKind::kSiLU, 0},
        Activation{ActivationKind::kSoftplus, 0}}) {
    on_every_backend(activation_name(a.kind), [&](Golden& g) {
      const Shape s{2, 8, 1, 1};
      const auto pass = [&](ActivationPass p) -> Maker {
        return [=](Kernels& k) { return k.activation({s, a}, p); };
      };
      const Vec x = g.take(s);
      const Arg dy = in(s, g.take(s)), ux = in(s, g.take(s));
      const Vec y = g.run(pass(ActivationPass::kForward), {out(s), in(s, x)})[0];
      const Arg kept = in(s, saves_output(a.kind) ? y : x);
      g.expect(y, "y");
      g.expect(g.run(pass(ActivationPass::kBackward), {out(s), kept, dy})[0], "dx");
      if (piecewise_linear(a.kind)) {
        g.expect(g.run(pass(ActivationPass::kDoubleBackward), {out(s), kept, ux})[0], "uy");
        g.expect_zero(s, "hx");
        return;
      }
      const std::vector<Vec> second =
          g.run(pass(ActivationPass::kDoubleBackward), {out(s), out(s), kept, dy, ux});
      g.expect(second[0], "uy");
      g.expect(second[1], "hx");
    });
  }
}

}  // namespace
}  // namespace gantry::ladder
