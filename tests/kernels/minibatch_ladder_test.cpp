// SPDX-License-Identifier: Apache-2.0
// Minibatch discrimination: against the reference and against calculus.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

struct MinibatchRig {
  MinibatchDesc d;

  Shape m() const { return {d.n, d.features * d.dimensions, 1, 1}; }
  Shape o() const { return {d.made(), d.features, 1, 1}; }
  Maker maker(MinibatchPass pass) const {
    return [d = d, pass](Kernels& k) { return k.minibatch(d, pass); };
  }
  Vec forward(const Vec& at) const {
    return run(reference_backend(), maker(MinibatchPass::kForward), {out(o()), in(m(), at)})[0];
  }
};

TEST(MinibatchLadder, EveryBackendIsTheReference) {
  for (const MinibatchDesc& d :
       {MinibatchDesc{1, 3, 2, 1}, MinibatchDesc{4, 1, 1, 2}, MinibatchDesc{12, 7, 3, 3},
        MinibatchDesc{32, 20, 5, 2}, MinibatchDesc{24, 7, 3, 2, 4, 2}}) {
    const MinibatchRig rig{d};
    const std::string name = concat(d.n, "x", d.features, "x", d.dimensions, " in ", d.groups,
                                    ", part ", d.part, " of ", d.parts);
    const Arg m = in(rig.m(), Sampler(11).normal(rig.m(), 0, 0.5));
    const Shape deltas = rig.o().with_n(d.n), made = rig.m().with_n(d.made());
    const Arg dy = in(deltas, Sampler(12).normal(deltas));
    const Arg um = in(rig.m(), Sampler(13).normal(rig.m()));
    check_parity(
        {"minibatch.forward", name, rig.maker(MinibatchPass::kForward), {out(rig.o()), m}, {}});
    check_parity(
        {"minibatch.backward", name, rig.maker(MinibatchPass::kBackward), {out(made), m, dy}, {}});
    check_parity({"minibatch.double_backward",
                  name,
                  rig.maker(MinibatchPass::kDoubleBackward),
                  {out(rig.o()), out(made), m, dy, um},
                  {}});
  }
}

// Groups of 6 rows in 3 parts: part p makes rows 2 p and 2 p + 1 of each group.
TEST(MinibatchLadder, APartIsRowsOfTheWhole) {
  const MinibatchRig whole{{12, 2, 3, 2}};
  const Vec m = Sampler(15).normal(whole.m(), 0, 0.5), o = whole.forward(m);
  for (int64_t part = 0; part < 3; ++part) {
    const MinibatchRig rig{{12, 2, 3, 2, 3, part}};
    Vec expected;
    for (const int64_t row : {2 * part, 2 * part + 1, 6 + 2 * part, 7 + 2 * part}) {
      expected.insert(expected.end(), o.begin() + 2 * row, o.begin() + 2 * row + 2);
    }
    EXPECT_EQ(rig.forward(m), expected) << part;
  }
}

TEST(MinibatchLadder, Calculus) {
  const MinibatchRig rig{{6, 3, 2, 2}};
  Differentiable op;
  op.name = "minibatch";
  op.at = {Sampler(14).distinct(rig.m())};
  for (double& value : op.at[0]) value *= 0.2;
  op.output_size = 18;
  op.forward = [=](const std::vector<Vec>& at) { return rig.forward(at[0]); };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    return run(reference_backend(), rig.maker(MinibatchPass::kBackward),
               {out(rig.m()), in(rig.m(), at[0]), in(rig.o(), dy)});
  };
  op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& ux) {
    return run(reference_backend(), rig.maker(MinibatchPass::kDoubleBackward),
               {out(rig.o()), out(rig.m()), in(rig.m(), at[0]), in(rig.o(), dy), in(rig.m(), ux)});
  };
  check_calculus(op);
}

// Equal rows are at distance 0 from each other, not from themselves; groups do not see each other.
TEST(MinibatchLadder, ASampleIsNotItsOwnNeighbour) {
  const MinibatchRig rig{{4, 1, 2, 2}};
  const Vec o = rig.forward({1, 2, 1, 2, 1, 2, 1, 5});
  EXPECT_DOUBLE_EQ(o[0], 1);
  EXPECT_DOUBLE_EQ(o[1], 1);
  EXPECT_DOUBLE_EQ(o[2], std::exp(-3.0));
}

}  // namespace
}  // namespace gantry::ladder
