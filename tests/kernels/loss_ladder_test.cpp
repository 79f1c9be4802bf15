// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

using LossKind = LossDesc::Kind;

Vec targets_of(LossKind kind, const Shape& t, int64_t classes) {
  if (kind == LossKind::kCrossEntropy) return Sampler(41).categories(t.elements(), classes);
  Vec values = Sampler(41).uniform(t, 0, 1);
  if (kind == LossKind::kHinge || kind == LossKind::kLinear)
    for (double& value : values) value = value < 0.5 ? -1 : 1;
  return values;
}

OpCase loss_case(LossKind kind, const Shape& x, const Shape& t, float scale, bool gradient) {
  const LossDesc d{kind, x, t, scale};
  OpCase test{concat("loss.", loss_name(kind)),
              concat(to_string(x), " ", to_string(t), " x ", scale),
              [=](Kernels& k) { return k.loss(d, gradient); },
              {out(vector_shape(1)), out(vector_shape(1))},
              {}};
  if (gradient) test.args.push_back(out(x));
  test.args.push_back(in(x, Sampler(42).normal(x, 0, 2)));
  test.args.push_back(in(t, targets_of(kind, t, x.c)));
  return test;
}

std::vector<LossKind> pointwise_kinds() {
  return {LossKind::kBceLogits, LossKind::kMse, LossKind::kL1, LossKind::kLinear, LossKind::kHinge};
}

TEST(LossLadder, PointwiseIsTheReference) {
  for (const LossKind kind : pointwise_kinds())
    for (const bool gradient : {true, false}) {
      check_parity(loss_case(kind, {2, 1, 1, 1}, {2, 1, 1, 1}, 1, gradient));
      check_parity(loss_case(kind, {64, 1, 1, 1}, {64, 1, 1, 1}, -0.5f, gradient));
      check_parity(loss_case(kind, {5, 1, 6, 7}, {5, 1, 1, 1}, 2, gradient));
      check_parity(loss_case(kind, {5, 1, 6, 7}, {5, 1, 6, 7}, 1, gradient));
      check_parity(loss_case(kind, {4, 3, 50, 50}, {4, 3, 50, 50}, 100, gradient));
    }
}

TEST(LossLadder, CrossEntropyIsTheReference) {
  for (const bool gradient : {true, false})
    for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{7, 10, 1, 1}, Shape{300, 17, 1, 1}})
      check_parity(loss_case(LossKind::kCrossEntropy, x, {x.n, 1, 1, 1}, 0.1f, gradient));
}

TEST(LossLadder, GradientIsThatOfTheValue) {
  std::vector<LossKind> kinds = pointwise_kinds();
  kinds.push_back(LossKind::kCrossEntropy);
  for (const LossKind kind : kinds) {
    const Shape x{6, 5, 1, 1};
    const Shape t = kind == LossKind::kCrossEntropy ? Shape{6, 1, 1, 1} : x;
    const LossDesc d{kind, x, t, -0.7f};
    const Vec target = targets_of(kind, t, x.c);
    const auto both = [=](const Vec& at) {
      return run(reference_backend(), [&](Kernels& k) { return k.loss(d, true); },
                 {out(vector_shape(1)), out(vector_shape(1)), out(x), in(x, at), in(t, target)});
    };
    Differentiable op;
    op.name = loss_name(kind);
    op.at = {Sampler(43).normal(x)};
    op.output_size = 1;
    op.forward = [=](const std::vector<Vec>& at) { return both(at[0])[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      Vec dx = both(at[0])[2];
      for (double& value : dx) value *= dy[0];
      return std::vector<Vec>{dx};
    };
    check_gradients(op);
  }
}

TEST(ReduceLadder, IsTheReference) {
  using Kind = ReduceDesc::Kind;
  for (const Kind kind : {Kind::kSum, Kind::kSumSquares, Kind::kMaxAbs})
    for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{3, 5, 7, 2}, Shape{8, 64, 32, 32}}) {
      const ReduceDesc d{kind, x, 0.25f};
      check_parity({"reduce",
                    concat(static_cast<int>(kind), " ", to_string(x)),
                    [=](Kernels& k) { return k.reduce(d); },
                    {out(vector_shape(1)), in(x, Sampler(44).normal(x, 0.2))},
                    {}});
    }
}

}  // namespace
}  // namespace gantry::ladder
