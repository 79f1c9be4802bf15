// SPDX-License-Identifier: Apache-2.0
// Spatial ops, losses, optimizers and spectral norm against PyTorch (Keras' rules from its
// formulas).
#include <gtest/gtest.h>

#include "tests/kernels/golden.h"

namespace gantry::ladder {
namespace {

void check_linear(const std::string& name, const Shape& x, const Shape& y, const Maker& forward,
                  const Maker& backward) {
  on_every_backend(name, [&](Golden& g) {
    const Arg xa = in(x, g.take(x)), dy = in(y, g.take(y));
    g.expect(g.run(forward, {out(y), xa})[0], "y");
    g.expect(g.run(backward, {out(x), dy})[0], "dx");
  });
}

TEST(Golden, Upsampling) {
  const auto check = [](const std::string& name, const UpsampleDesc& d) {
    check_linear(
        name, d.x, {d.x.n, d.x.c, d.x.h * d.factor, d.x.w * d.factor},
        [=](Kernels& k) { return k.upsample(d, LinearPass::kForward); },
        [=](Kernels& k) { return k.upsample(d, LinearPass::kBackward); });
  };
  check("nearest", {{1, 2, 1, 2}, 3, UpsampleDesc::Kind::kNearest});
  check("bilinear2", {{1, 1, 3, 4}, 2, UpsampleDesc::Kind::kBilinear});
  check("bilinear3", {{1, 2, 2, 2}, 3, UpsampleDesc::Kind::kBilinear});
}

TEST(Golden, Padding) {
  const auto check = [](const std::string& name, const PadDesc& d) {
    check_linear(
        name, d.x, d.y(), [=](Kernels& k) { return k.pad(d, LinearPass::kForward); },
        [=](Kernels& k) { return k.pad(d, LinearPass::kBackward); });
  };
  check("reflect", {PadDesc::Kind::kReflect, {1, 2, 4, 4}, 3, 0, 1, 2});
  check("crop", {PadDesc::Kind::kZero, {1, 2, 5, 5}, 1, -2, -1, 2});
}

TEST(Golden, Pooling) {
  const PoolDesc average{PoolDesc::Kind::kAverage, {1, 2, 5, 6}, {1, 2, 3, 3}, 3, 3, 2, 2, 1, 1};
  check_linear(
      "average_pool", average.x, average.y,
      [=](Kernels& k) { return k.pool(average, PoolPass::kForward); },
      [=](Kernels& k) { return k.pool(average, PoolPass::kBackward); });
  const PoolDesc max{PoolDesc::Kind::kMax, {2, 1, 5, 6}, {2, 1, 3, 3}, 3, 3, 2, 2, 1, 1};
  on_every_backend("max_pool", [&](Golden& g) {
    const Arg x = in(max.x, g.take(max.x)), dy = in(max.y, g.take(max.y));
    const std::vector<Vec> f = g.run([&](Kernels& k) { return k.pool(max, PoolPass::kForward); },
                                     {out(max.y), out(max.y, Kind::kIndex), x});
    g.expect(f[0], "y");
    g.expect(g.run([&](Kernels& k) { return k.pool(max, PoolPass::kBackward); },
                   {out(max.x), dy, in(max.y, f[1], Kind::kIndex)})[0],
             "dx");
  });
}

TEST(Golden, Losses) {
  using Loss = LossDesc::Kind;
  on_every_backend("loss", [](Golden& g) {
    const Shape shape{5, 3, 1, 1}, per_sample{5, 1, 1, 1}, one = vector_shape(1);
    const Arg x = in(shape, g.take(shape)), t = in(shape, g.take(shape));
    const Arg sign = in(shape, g.take(shape)), classes = in(per_sample, g.take(per_sample));
    const Arg real = in(per_sample, g.take(per_sample));
    const auto check = [&](Loss kind, const Arg& target) {
      const LossDesc d{kind, shape, target.shape, 1};
      const std::vector<Vec> got = g.run([&](Kernels& k) { return k.loss(d, true); },
                                         {out(one), out(one), out(shape), x, target});
      g.expect(got[0], loss_name(kind));
      g.expect(got[2], "its gradient");
    };
    check(Loss::kBceLogits, t);
    check(Loss::kMse, t);
    check(Loss::kL1, t);
    check(Loss::kLinear, sign);
    check(Loss::kHinge, sign);
    check(Loss::kCrossEntropy, classes);
    check(Loss::kBceLogSumExp, real);
  });
}

// 20 updates of the six parameters of the file, one kernel run per update.
Vec train(Golden& g, OptimizerDesc d, const Vec& start, const Vec& grads) {
  d.size = 6;
  const Shape shape = vector_shape(6);
  const size_t states = static_cast<size_t>(optimizer_states(d));
  std::vector<Vec> kept(1 + states, Vec(6));
  kept[0] = start;
  for (int64_t t = 1; t <= 20; ++t) {
    std::vector<Arg> args;
    for (const Vec& values : kept) args.push_back(inout(shape, values));
    const auto grad = grads.begin() + (t - 1) * 6;
    args.insert(args.end(), {in(shape, Vec(grad, grad + 6)), scalar(0.0078125), counter(t),
                             scalar(1), scalar(0)});
    kept = g.run([&](Kernels& k) { return k.optimizer(d); }, args);
  }
  return kept[0];
}

TEST(Golden, Optimizers) {
  using Rule = OptimizerDesc::Kind;
  using Variant = OptimizerDesc::Variant;
  const std::vector<std::pair<const char*, OptimizerDesc>> rules = {
      {"sgd", {.kind = Rule::kSgd}},
      {"momentum", {.kind = Rule::kSgd, .momentum = 0.9, .dampening = 0.25, .weight_decay = 0.125}},
      {"nesterov", {.kind = Rule::kSgd, .momentum = 0.9, .nesterov = true}},
      {"adam", {.kind = Rule::kAdam, .beta1 = 0.5, .weight_decay = 0.125}},
      {"adamw", {.kind = Rule::kAdam, .beta1 = 0.5, .weight_decay = 0.125, .decoupled = true}},
      {"rmsprop", {.kind = Rule::kRmsprop, .rho = 0.9}},
      {"rmsprop centered", {.kind = Rule::kRmsprop, .rho = 0.9, .centered = true, .momentum = 0.5}},
      {"keras momentum", {.kind = Rule::kSgd, .variant = Variant::kKeras, .momentum = 0.9}},
      {"keras nesterov",
       {.kind = Rule::kSgd, .variant = Variant::kKeras, .momentum = 0.9, .nesterov = true}},
      {"keras adam", {.kind = Rule::kAdam, .variant = Variant::kKeras, .beta1 = 0.5, .eps = 1e-7}},
      {"keras rmsprop",
       {.kind = Rule::kRmsprop, .variant = Variant::kKeras, .eps = 1e-7, .rho = 0.9}},
      {"keras rmsprop centered",
       {.kind = Rule::kRmsprop,
        .variant = Variant::kKeras,
        .eps = 1e-7,
        .rho = 0.9,
        .centered = true,
        .momentum = 0.5}}};
  on_every_backend("optimizer", [&](Golden& g) {
    const Vec start = g.take(vector_shape(6)), grads = g.take({20, 6, 1, 1});
    for (const auto& [name, rule] : rules) g.expect(train(g, rule, start, grads), name);
  });
}

TEST(Golden, SpectralNorm) {
  on_every_backend("spectral_norm", [](Golden& g) {
    const SpectralNormDesc d{4, 6, 2, 1e-12f};
    const Shape w{4, 6, 1, 1}, u = vector_shape(4), v = vector_shape(6);
    const Arg wa = in(w, g.take(w)), ua = inout(u, g.take(u)), dw_hat = inout(w, g.take(w));
    const std::vector<Vec> f =
        g.run([&](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kForward); },
              {out(w), out(v), out(vector_shape(1)), ua, wa});
    g.expect(f[0], "w_hat");
    g.expect(f[3], "u");
    g.expect(g.run([&](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kBackward); },
                   {dw_hat, in(w, f[0]), in(u, f[3]), in(v, f[1]), scalar(f[2][0])})[0],
             "dw");
  });
}

}  // namespace
}  // namespace gantry::ladder
