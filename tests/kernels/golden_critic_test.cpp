// SPDX-License-Identifier: Apache-2.0
// Losses of critics against PyTorch: tests/golden/critics.safetensors, which
// tools/pytorch/golden_critics.py writes and explains.
#include <gtest/gtest.h>

#include "tests/kernels/golden.h"

namespace gantry::ladder {
namespace {

const Shape kOne = vector_shape(1);

TEST(GoldenCritic, Reconstruction) {
  using Kind = ReconstructionDesc::Kind;
  on_every_backend("reconstruction", [](Golden& g) {
    const Shape shape{4, 3, 2, 2};
    const Arg y = in(shape, g.take(shape)), x = in(shape, g.take(shape));
    for (const Kind kind : {Kind::kSquared, Kind::kAbsolute}) {
      for (const bool mean : {false, true}) {
        for (const bool hinge : {false, true}) {
          const ReconstructionDesc d{.kind = kind,
                                     .x = shape,
                                     .mean = mean,
                                     .hinge = hinge,
                                     .margin = mean ? 1.25f : 14.0f,
                                     .want_dx = true};
          const std::vector<Vec> got =
              g.run([&](Kernels& k) { return k.reconstruction(d); },
                    {out(kOne), out(kOne), out(kOne), out(shape), out(shape), y, x});
          g.expect(got[0], "value");
          g.expect(got[1], "energy");
          g.expect(got[3], "dy");
          g.expect(got[4], "dx");
        }
      }
    }
  });
}

TEST(GoldenCritic, PullingAway) {
  on_every_backend("pulling_away", [](Golden& g) {
    const Shape shape{5, 7, 1, 1};
    const PullingAwayDesc d{shape, 1};
    const std::vector<Vec> got = g.run([&](Kernels& k) { return k.pulling_away(d); },
                                       {out(kOne), out(shape), in(shape, g.take(shape))});
    g.expect(got[0], "value");
    g.expect(got[1], "ds");
  });
}

TEST(GoldenCritic, FeatureMatching) {
  on_every_backend("feature_match", [](Golden& g) {
    const Shape fake{4, 6, 1, 1}, real{3, 6, 1, 1};
    const Arg f = in(fake, g.take(fake)), r = in(real, g.take(real));
    for (const auto kind : {FeatureMatchDesc::Kind::kSquared, FeatureMatchDesc::Kind::kAbsolute}) {
      const FeatureMatchDesc d{kind, fake, real, 1};
      const std::vector<Vec> got =
          g.run([&](Kernels& k) { return k.feature_match(d); }, {out(kOne), out(fake), f, r});
      g.expect(got[0], "value");
      g.expect(got[1], "df");
    }
  });
}

TEST(GoldenCritic, MinibatchDiscrimination) {
  on_every_backend("minibatch", [](Golden& g) {
    const MinibatchDesc d{6, 3, 4, 2};
    const Shape rows{6, 12, 1, 1}, o{6, 3, 1, 1};
    const auto pass = [&](MinibatchPass p) -> Maker {
      return [=](Kernels& k) { return k.minibatch(d, p); };
    };
    const Arg m = in(rows, g.take(rows)), dy = in(o, g.take(o)), um = in(rows, g.take(rows));
    g.expect(g.run(pass(MinibatchPass::kForward), {out(o), m})[0], "o");
    g.expect(g.run(pass(MinibatchPass::kBackward), {out(rows), m, dy})[0], "dm");
    const std::vector<Vec> second =
        g.run(pass(MinibatchPass::kDoubleBackward), {out(o), out(rows), m, dy, um});
    g.expect(second[0], "uo");
    g.expect(second[1], "hm");
  });
}

TEST(GoldenCritic, Divergence) {
  on_every_backend("variational", [](Golden& g) {
    const VariationalDesc d{.n = 3, .size = 4, .scale = 0.75f};
    const Shape h{3, 8, 1, 1}, z{3, 4, 1, 1};
    const auto pass = [&](VariationalPass p) -> Maker {
      return [=](Kernels& k) { return k.variational(d, p); };
    };
    const Arg given = in(h, g.take(h));
    g.expect(g.run(pass(VariationalPass::kForward), {out(z), out(kOne), given, counter(0)})[1],
             "kl");
    g.expect(
        g.run(pass(VariationalPass::kBackward), {out(h), given, in(z, Vec(12)), counter(0)})[0],
        "dh");
  });
}

}  // namespace
}  // namespace gantry::ladder
