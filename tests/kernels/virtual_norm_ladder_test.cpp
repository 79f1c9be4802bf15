// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"
#include "tests/kernels/golden.h"

namespace gantry::ladder {
namespace {

struct VirtualNormRig {
  VirtualNormDesc d;

  Shape c() const { return vector_shape(d.x.c); }
  Maker maker(VirtualNormPass pass) const {
    return [d = d, pass](Kernels& k) { return k.virtual_norm(d, pass); };
  }
  std::vector<Arg> forward_args(const Vec& x, const Vec& gamma, const Vec& beta) const {
    return {out(d.x), out(d.stats()), out(d.stats()), in(d.x, x), in(c(), gamma), in(c(), beta)};
  }
  std::vector<Vec> forward(const std::vector<Vec>& at) const {
    return run(reference_backend(), maker(VirtualNormPass::kForward),
               forward_args(at[0], at[1], at[2]));
  }
};

const VirtualNormDesc kCases[] = {
    {{5, 1, 1, 2}, 3}, {{7, 5, 1, 1}, 4}, {{6, 3, 4, 5}, 2}, {{24, 16, 7, 7}, 16}};

TEST(VirtualNormLadder, IsTheReference) {
  for (VirtualNormDesc d : kCases) {
    d.eps = 1e-3f;
    const VirtualNormRig rig{d};
    const std::string name = concat(to_string(d.x), " reference ", d.reference);
    const Vec x = Sampler(1).normal(d.x, 0.5, 2), gamma = Sampler(2).normal(rig.c(), 1, 0.3);
    const Vec beta = Sampler(3).normal(rig.c());
    check_parity({"virtual_norm.forward",
                  name,
                  rig.maker(VirtualNormPass::kForward),
                  rig.forward_args(x, gamma, beta),
                  {}});
    const std::vector<Vec> stats = rig.forward({x, gamma, beta});
    const std::vector<Arg> given = {in(d.x, x), in(d.x, Sampler(4).normal(d.x)), in(rig.c(), gamma),
                                    in(d.stats(), rounded(stats[1])),
                                    in(d.stats(), rounded(stats[2]))};
    const auto with = [&](std::vector<Arg> args) {
      args.insert(args.end(), given.begin(), given.end());
      return args;
    };
    check_parity({"virtual_norm.backward",
                  name,
                  rig.maker(VirtualNormPass::kBackward),
                  with({out(d.x), out(rig.c()), out(rig.c())}),
                  {{0, 4}}});
    check_parity({"virtual_norm.backward",
                  name + " data",
                  rig.maker(VirtualNormPass::kBackwardData),
                  with({out(d.x)}),
                  {{0, 2}}});
    VirtualNormDesc added = d;
    added.accumulate = true;
    const Vec old = Sampler(5).normal(rig.c());
    check_accumulate({"virtual_norm.backward",
                      name,
                      rig.maker(VirtualNormPass::kBackward),
                      with({out(d.x), out(rig.c()), out(rig.c())}),
                      {}},
                     {"virtual_norm.backward",
                      name,
                      VirtualNormRig{added}.maker(VirtualNormPass::kBackward),
                      with({out(d.x), inout(rig.c(), old), inout(rig.c(), old)}),
                      {}});
  }
}

TEST(VirtualNormLadder, GradientIsTheSlope) {
  for (VirtualNormDesc d : kCases) {
    d.eps = 0.125f;
    const VirtualNormRig rig{d};
    Differentiable op;
    op.name = to_string(d.x);
    op.at = {Sampler(6).normal(d.x), Sampler(7).normal(rig.c()), Sampler(8).normal(rig.c())};
    op.output_size = static_cast<size_t>(d.x.elements());
    op.forward = [=](const std::vector<Vec>& at) { return rig.forward(at)[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      const std::vector<Vec> f = rig.forward(at);
      return run(reference_backend(), rig.maker(VirtualNormPass::kBackward),
                 {out(d.x), out(rig.c()), out(rig.c()), in(d.x, at[0]), in(d.x, dy),
                  in(rig.c(), at[1]), in(d.stats(), f[1]), in(d.stats(), f[2])});
    };
    check_gradients(op);
  }
}

TEST(VirtualNormLadder, IsWhatPyTorchComputes) {
  on_every_backend("virtual_norm", [](Golden& g) {
    VirtualNormDesc d{{5, 3, 2, 2}, 3};
    d.eps = 0x1p-6f;
    const VirtualNormRig rig{d};
    const Arg x = in(d.x, g.take(d.x)), gamma = in(rig.c(), g.take(rig.c()));
    const Arg beta = in(rig.c(), g.take(rig.c())), dy = in(d.x, g.take(d.x));
    const std::vector<Vec> f = g.run(rig.maker(VirtualNormPass::kForward),
                                     {out(d.x), out(d.stats()), out(d.stats()), x, gamma, beta});
    g.expect(f[0], "y");
    const std::vector<Vec> b = g.run(rig.maker(VirtualNormPass::kBackward),
                                     {out(d.x), out(rig.c()), out(rig.c()), x, dy, gamma,
                                      in(d.stats(), f[1]), in(d.stats(), f[2])});
    g.expect(b[0], "dx");
    g.expect(b[1], "dgamma");
    g.expect(b[2], "dbeta");
  });
}

// A sample's result depends on the reference and itself, not on its neighbours.
TEST(VirtualNormLadder, NeighboursDoNotMatter) {
  const VirtualNormRig rig{{{4, 2, 1, 2}, 2}};
  Vec x = Sampler(9).normal(rig.d.x);
  const Vec ones{1, 1}, zeros{0, 0};
  const Vec before = rig.forward({x, ones, zeros})[0];
  for (size_t k = 12; k < 16; ++k) x[k] += 3;  // the last sample
  const Vec after = rig.forward({x, ones, zeros})[0];
  EXPECT_EQ(Vec(before.begin(), before.begin() + 12), Vec(after.begin(), after.begin() + 12));
  EXPECT_NE(before, after);
}

}  // namespace
}  // namespace gantry::ladder
