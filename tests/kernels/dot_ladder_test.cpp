// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

Shape per_sample(const Shape& x) { return {x.n, 1, 1, 1}; }

TEST(DotLadder, BothPassesAreTheReference) {
  for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{3, 17, 1, 1}, Shape{2, 3, 5, 7},
                         Shape{64, 128, 1, 1}, Shape{5, 8, 32, 32}, Shape{1, 5003, 1, 1}}) {
    Sampler sample(71);
    const Vec a = sample.normal(x), b = sample.normal(x), dy = sample.normal(per_sample(x));
    const auto maker = [x](bool accumulate, DotPass pass) {
      return [=](Kernels& k) { return k.sample_dot({x, accumulate}, pass); };
    };
    const OpCase overwrite{"dot",
                           to_string(x),
                           maker(false, DotPass::kForward),
                           {out(per_sample(x)), in(x, a), in(x, b)},
                           {}};
    const OpCase accumulate{"dot",
                            to_string(x) + " accumulated",
                            maker(true, DotPass::kForward),
                            {inout(per_sample(x), dy), in(x, a), in(x, b)},
                            {}};
    check_parity(overwrite);
    check_parity(accumulate);
    check_accumulate(overwrite, accumulate);
    check_parity({"dot",
                  to_string(x) + " backward",
                  maker(false, DotPass::kBackward),
                  {out(x), in(per_sample(x), dy), in(x, b)},
                  {{0, 2}}});
  }
}

// As a function of a alone, then of b alone: linear in each.
TEST(DotLadder, Calculus) {
  const Shape x{4, 3, 2, 2};
  const auto dot = [x](const Vec& a, const Vec& b) {
    return run(reference_backend(),
               [x](Kernels& k) { return k.sample_dot({x}, DotPass::kForward); },
               {out(per_sample(x)), in(x, a), in(x, b)})[0];
  };
  const auto scaled = [x](const Vec& dy, const Vec& b) {
    return run(reference_backend(),
               [x](Kernels& k) { return k.sample_dot({x}, DotPass::kBackward); },
               {out(x), in(per_sample(x), dy), in(x, b)})[0];
  };
  Differentiable op;
  op.name = "dot";
  op.at = {Sampler(72).normal(x), Sampler(73).normal(x)};
  op.output_size = 4;
  op.forward = [=](const std::vector<Vec>& at) { return dot(at[0], at[1]); };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    return std::vector<Vec>{scaled(dy, at[1]), scaled(dy, at[0])};
  };
  op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& ux) {
    return std::vector<Vec>{dot(ux, at[1]), {}, scaled(dy, ux)};
  };
  check_calculus(op);
}

}  // namespace
}  // namespace gantry::ladder
