// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

using LossKind = LossDesc::Kind;

constexpr LossKind kPointwise[] = {LossKind::kBceLogits, LossKind::kMse, LossKind::kL1,
                                   LossKind::kLinear, LossKind::kHinge};

// Targets that the loss is meant for: +-1 for linear and hinge, [0, 1] for the others.
Vec targets(LossKind kind, const Shape& shape) {
  Vec t = Sampler(61).uniform(shape, 0, 1);
  if (kind != LossKind::kLinear && kind != LossKind::kHinge) return t;
  for (double& value : t) value = value < 0.5 ? -1 : 1;
  return t;
}

void check_loss(const LossDesc& d, const Vec& x, const Vec& t) {
  const std::string row = concat("loss.", loss_name(d.kind));
  const Shape one = vector_shape(1);
  const std::string name = concat(loss_name(d.kind), " ", to_string(d.x), " against ",
                                  to_string(d.t), " scale ", d.scale);
  check_parity({row,
                name,
                [=](Kernels& k) { return k.loss(d, true); },
                {out(one), out(one), out(d.x), in(d.x, x), in(d.t, t)},
                {}});
  check_parity({row,
                name + " value alone",
                [=](Kernels& k) { return k.loss(d, false); },
                {out(one), out(one), in(d.x, x), in(d.t, t)},
                {}});
}

TEST(LossLadder, PointwiseLossesAreTheReference) {
  for (const LossKind kind : kPointwise) {
    for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{64, 1, 1, 1}, Shape{3, 5, 7, 3},
                           Shape{16, 1, 6, 6}, Shape{2, 3, 64, 64}}) {
      for (const Shape& t : {x, Shape{x.n, 1, 1, 1}}) {
        for (const float scale : {1.0f, -0.5f})
          check_loss({kind, x, t, scale}, Sampler(62).normal(x, 0.3, 1.5), targets(kind, t));
      }
    }
  }
}

TEST(LossLadder, CrossEntropyIsTheReference) {
  for (const int64_t n : {int64_t{1}, int64_t{7}, int64_t{64}}) {
    for (const int64_t classes : {int64_t{2}, int64_t{10}, int64_t{1000}}) {
      const Shape x{n, classes, 1, 1};
      check_loss({LossKind::kCrossEntropy, x, {n, 1, 1, 1}, 0.7f}, Sampler(63).normal(x, 0, 3),
                 Sampler(64).categories(n, classes));
    }
  }
}

TEST(LossLadder, BceOfLogSumExpIsTheReference) {
  for (const int64_t n : {int64_t{1}, int64_t{7}, int64_t{64}}) {
    for (const int64_t classes : {int64_t{1}, int64_t{10}, int64_t{1000}}) {
      const Shape x{n, classes, 1, 1}, t{n, 1, 1, 1};
      // Around s = 0, where both classes are possible.
      const double low = -std::log(static_cast<double>(classes));
      check_loss({LossKind::kBceLogSumExp, x, t, 0.7f}, Sampler(63).normal(x, low, 1.5),
                 Sampler(64).uniform(t, 0, 1));
    }
  }
}

// Of one class it is the cross-entropy of that logit; of two alike, that of log 2 more.
TEST(LossLadder, LogSumExpCountsTheClasses) {
  const Shape one = vector_shape(1), t{3, 1, 1, 1};
  const auto evaluate = [&](LossKind kind, int64_t classes, const Vec& x) {
    const LossDesc d{kind, {3, classes, 1, 1}, t, 1};
    return run(reference_backend(), [=](Kernels& k) { return k.loss(d, true); },
               {out(one), out(one), out(d.x), in(d.x, x), in(t, {0, 1, 0.25})});
  };
  const std::vector<Vec> single = evaluate(LossKind::kBceLogSumExp, 1, {-2, 0.5, 3});
  const std::vector<Vec> plain = evaluate(LossKind::kBceLogits, 1, {-2, 0.5, 3});
  EXPECT_NEAR(single[0][0], plain[0][0], 1e-14);
  EXPECT_EQ(single[1], plain[1]);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(single[2][i], plain[2][i], 1e-15);
  const double two = std::log(2.0);
  const std::vector<Vec> pairs = evaluate(
      LossKind::kBceLogSumExp, 2, {-2 - two, -2 - two, 0.5 - two, 0.5 - two, 3 - two, 3 - two});
  EXPECT_NEAR(pairs[0][0], single[0][0], 1e-14);
  EXPECT_EQ(pairs[1], single[1]);
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(pairs[2][i], single[2][i / 2] / 2, 1e-15);
}

TEST(LossLadder, FarFromZero) {
  const Vec far =
      rounded({-1e4, -500, -104, -89, -30, -17, -1e-6, 1e-6, 17, 30, 89, 104, 500, 1e4});
  const Shape x{14, 1, 1, 1}, one{1, 1, 1, 1};
  for (const double target : {0.0, 0.9, 1.0}) {
    check_loss({LossKind::kBceLogits, x, x, 1}, far, rounded(Vec(14, target)));
    for (const double value : far)  // one at a time: small losses must not hide behind large ones
      check_loss({LossKind::kBceLogits, one, one, 1}, {value}, rounded({target}));
  }
  for (const LossKind kind : {LossKind::kHinge, LossKind::kLinear, LossKind::kMse}) {
    for (const double target : {-1.0, 1.0}) {
      check_loss({kind, x, x, 1}, far, Vec(14, target));
      for (const double value : far) check_loss({kind, one, one, 1}, {value}, {target});
    }
  }
  for (const double label : {0.0, 7.0, 13.0})
    check_loss({LossKind::kCrossEntropy, {1, 14, 1, 1}, one, 1}, far, {label});
  for (const double target : {0.0, 1.0}) {
    check_loss({LossKind::kBceLogSumExp, {1, 14, 1, 1}, one, 1}, far, {target});
    for (const double value : far)
      check_loss({LossKind::kBceLogSumExp, {1, 2, 1, 1}, one, 1}, {value, -1e4}, {target});
  }
}

TEST(LossLadder, GradientIsTheSlope) {
  const auto check = [](const LossDesc& d, const Vec& x, const Vec& t) {
    const Shape one = vector_shape(1);
    const auto evaluate = [=](const Vec& point) {
      return run(reference_backend(), [=](Kernels& k) { return k.loss(d, true); },
                 {out(one), out(one), out(d.x), in(d.x, point), in(d.t, t)});
    };
    Differentiable op;
    op.name = loss_name(d.kind);
    op.at = {x};
    op.output_size = 1;
    op.forward = [=](const std::vector<Vec>& at) { return evaluate(at[0])[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      Vec dx = evaluate(at[0])[2];
      for (double& value : dx) value *= dy[0];
      return std::vector<Vec>{dx};
    };
    check_gradients(op);
  };
  const Shape x{4, 3, 2, 1}, per_sample{4, 1, 1, 1};
  for (const LossKind kind : kPointwise) {
    check({kind, x, x, 1.5f}, Sampler(65).normal(x), targets(kind, x));
    check({kind, x, per_sample, -1}, Sampler(65).normal(x), targets(kind, per_sample));
  }
  check({LossKind::kCrossEntropy, {4, 5, 1, 1}, per_sample, 2}, Sampler(66).normal({4, 5, 1, 1}),
        {0, 4, 2, 2});
  check({LossKind::kBceLogSumExp, {4, 5, 1, 1}, per_sample, 2}, Sampler(66).normal({4, 5, 1, 1}),
        {0, 1, 0.25, 0.75});
}

// Weights of samples: 0 takes one out of value and gradient, not out of the rate.
TEST(LossLadder, WeightedLossesAreTheReference) {
  const Shape one = vector_shape(1);
  for (const LossKind kind : kPointwise) {
    for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{33, 1, 1, 1}, Shape{5, 1, 6, 7}}) {
      const Shape t{x.n, 1, 1, 1};
      const LossDesc d{kind, x, t, -0.5f, true};
      Vec w = Sampler(68).uniform(t, 0, 2);
      for (size_t i = 0; i < w.size(); i += 3) w[i] = 0;
      const Arg given = in(x, Sampler(69).normal(x, 0.3, 1.5)), wanted = in(t, targets(kind, t));
      const std::string row = concat("loss.", loss_name(kind));
      check_parity({row,
                    concat("weighted ", to_string(x)),
                    [=](Kernels& k) { return k.loss(d, true); },
                    {out(one), out(one), out(x), given, wanted, in(t, w)},
                    {}});
      check_parity({row,
                    concat("weighted ", to_string(x), " value alone"),
                    [=](Kernels& k) { return k.loss(d, false); },
                    {out(one), out(one), given, wanted, in(t, w)},
                    {}});
    }
  }
}

TEST(LossLadder, WeightsChooseTheSamplesOfTheMean) {
  const Shape x{4, 1, 1, 1}, one = vector_shape(1);
  const LossDesc d{LossKind::kLinear, x, x, 1, true};
  const std::vector<Vec> got = run(reference_backend(), [=](Kernels& k) { return k.loss(d, true); },
                                   {out(one), out(one), out(x), in(x, {1, 5, 3, -7}),
                                    in(x, {-1, -1, -1, -1}), in(x, {0, 2, 2, 0})});
  EXPECT_DOUBLE_EQ(got[0][0], -4);  // the mean of the two that count
  EXPECT_DOUBLE_EQ(got[1][0], 0.75);
  EXPECT_EQ(got[2], (Vec{0, -0.5, -0.5, 0}));
}

TEST(LossLadder, ReductionsAreTheReference) {
  using Kind = ReduceDesc::Kind;
  for (const Kind kind : {Kind::kSum, Kind::kSumSquares, Kind::kMaxAbs}) {
    for (const Shape& x :
         {Shape{1, 1, 1, 1}, Shape{1, 17, 1, 1}, Shape{3, 5, 7, 3}, Shape{1, 300'007, 1, 1}}) {
      for (const float scale : {1.0f, -0.25f})
        check_parity({"reduce",
                      concat(to_string(x), " kind ", static_cast<int>(kind)),
                      [=](Kernels& k) {
                        return k.reduce({kind, x, scale});
                      },
                      {out(vector_shape(1)), in(x, Sampler(67).normal(x, 1, 1))},
                      {}});
    }
  }
}

}  // namespace
}  // namespace gantry::ladder
