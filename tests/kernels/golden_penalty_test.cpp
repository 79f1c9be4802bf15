// SPDX-License-Identifier: Apache-2.0
// Gradient penalties against PyTorch's autograd.
#include <gtest/gtest.h>

#include "tests/kernels/golden.h"

namespace gantry::ladder {
namespace {

TEST(Golden, GradientPenalties) {
  using Kind = GradientPenaltyDesc::Kind;
  on_every_backend("gradient_penalty", [](Golden& golden) {
    const Shape s{3, 2, 4, 3}, one = vector_shape(1);
    const Arg g = in(s, golden.take(s));
    for (const Kind kind : {Kind::kTwoSided, Kind::kOneSided, Kind::kSquared}) {
      const GradientPenaltyDesc d{kind, s, 0.75f, 10};
      const std::vector<Vec> results = golden.run([=](Kernels& k) { return k.gradient_penalty(d); },
                                                  {out(one), out(one), out(s), g});
      golden.expect(results[0], "value");
      golden.expect(results[1], "norm");
      golden.expect(results[2], "v");
    }
  });
}

TEST(Golden, Deviation) {
  on_every_backend("deviation", [](Golden& golden) {
    const Shape s{3, 2, 4, 3};
    const Arg x = in(s, golden.take(s));
    const Maker make = [=](Kernels& k) { return k.deviation({s}); };
    golden.expect(golden.run(make, {out(vector_shape(1)), x})[0], "deviation");
  });
}

}  // namespace
}  // namespace gantry::ladder
