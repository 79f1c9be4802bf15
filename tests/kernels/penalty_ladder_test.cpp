// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

using PenaltyKind = GradientPenaltyDesc::Kind;

const RandomKey kPenaltyKey = random_key(2025, Purpose::kPenalty, 3);
const RandomKey kNoiseKey = random_key(2025, Purpose::kPenalty, 4);
constexpr PenaltyKind kKinds[] = {PenaltyKind::kTwoSided, PenaltyKind::kOneSided,
                                  PenaltyKind::kSquared};

std::vector<Shape> penalty_shapes() {
  return {{1, 1, 1, 1}, {300, 2, 1, 1}, {3, 17, 1, 1}, {2, 3, 5, 7}, {5, 64, 4, 4}, {2, 3, 64, 64}};
}

Maker made(const InterpolateDesc& d) {
  return [=](Kernels& k) { return k.interpolate(d); };
}
Maker made(const PerturbDesc& d) {
  return [=](Kernels& k) { return k.perturb(d); };
}
Maker made(const GradientPenaltyDesc& d) {
  return [=](Kernels& k) { return k.gradient_penalty(d); };
}

TEST(PenaltyLadder, PointsAreTheReference) {
  for (const Shape& x : penalty_shapes()) {
    const Vec real = Sampler(71).normal(x, 0.5, 2), fake = Sampler(72).normal(x);
    check_parity({"interpolate",
                  to_string(x),
                  made(InterpolateDesc{x, kPenaltyKey, 11}),
                  {out(x), in(x, real), in(x, fake), counter(5'000'000'000)},
                  {{0, 1}, {0, 2}}});
    check_parity({"perturb",
                  to_string(x),
                  made(PerturbDesc{x, 0.5f, kPenaltyKey, kNoiseKey, 11}),
                  {out(x), in(x, real), scalar(rounded({1.7})[0]), counter(5'000'000'000)},
                  {{0, 1}}});
    check_parity({"deviation",
                  to_string(x),
                  [=](Kernels& k) { return k.deviation({x}); },
                  {out(vector_shape(1)), in(x, real)},
                  {}});
  }
  const Shape far{4, 1, 64, 64};  // a mean of 1e4 must not swallow the deviation
  check_parity({"deviation",
                "far from zero",
                [=](Kernels& k) { return k.deviation({far}); },
                {out(vector_shape(1)), in(far, Sampler(73).normal(far, 1e4, 1))},
                {}});
}

TEST(PenaltyLadder, GradientPenaltyIsTheReference) {
  for (const Shape& g : penalty_shapes()) {
    for (const PenaltyKind kind : kKinds) {
      for (const double size : {0.0, 1e-6, 0.1, 30.0}) {  // norms below and above the target
        check_parity({"gradient_penalty",
                      concat(to_string(g), " kind ", static_cast<int>(kind), " size ", size),
                      made(GradientPenaltyDesc{kind, g, 1, 10}),
                      {out(vector_shape(1)), out(vector_shape(1)), out(g),
                       in(g, Sampler(74).normal(g, 0, size))},
                      {{2, 3}}});
      }
    }
  }
}

// One draw per sample, the same for every pixel, and others for other samples and steps.
TEST(PenaltyLadder, OneNumberPerSampleSaysHowFarBetween) {
  const Shape x{6, 3, 4, 4};
  const Vec ones(static_cast<size_t>(x.elements()), 1.0), zeros(ones.size());
  for (TestBackend& on : tested_backends()) {
    const auto shares = [&](int64_t step) {
      return run(on, made(InterpolateDesc{x, kPenaltyKey, 0}),
                 {out(x), in(x, ones), in(x, zeros), counter(step)})[0];
    };
    const Vec a = shares(1), b = shares(2);
    const size_t size = static_cast<size_t>(x.per_sample());
    for (size_t n = 0; n < 6; ++n) {
      for (size_t i = 0; i < size; ++i) EXPECT_EQ(a[n * size + i], a[n * size]);
      EXPECT_NE(a[n * size], b[n * size]);
      if (n > 0) {
        EXPECT_NE(a[n * size], a[0]);
      }
    }
  }
}

// y - x = a_n spread deviation U: all of one sign, no farther than spread * deviation; the largest
// in a sample shows a_n, which differs between samples.
TEST(PenaltyLadder, PerturbedPointsLieAboveTheSample) {
  const Shape x{4, 1, 32, 32};
  const Vec zeros(static_cast<size_t>(x.elements()));
  const Vec y = run(reference_backend(), made(PerturbDesc{x, 0.5f, kPenaltyKey, kNoiseKey, 0}),
                    {out(x), in(x, zeros), scalar(2), counter(1)})[0];
  const Vec a = run(reference_backend(), made(InterpolateDesc{x, kPenaltyKey, 0}),
                    {out(x), in(x, Vec(zeros.size(), 1.0)), in(x, zeros), counter(1)})[0];
  for (size_t n = 0; n < 4; ++n) {
    double most = 0, sum = 0;
    for (size_t i = 0; i < 1024; ++i) {
      EXPECT_GE(y[n * 1024 + i], 0);
      most = std::max(most, y[n * 1024 + i]);
      sum += y[n * 1024 + i];
    }
    EXPECT_LE(most, a[n * 1024]);
    EXPECT_GT(most, 0.99 * a[n * 1024]);
    EXPECT_NEAR(sum / 1024, a[n * 1024] / 2, 0.05 * a[n * 1024]);
  }
}

// The penalty of two samples is the mean of theirs: neither one norm over the whole batch nor one
// per pixel. |g| = 5 and 13 by hand.
TEST(PenaltyLadder, EverySampleHasANormOfItsOwn) {
  const Shape g{2, 2, 1, 2};
  const Vec values = {3, 0, 0, 4, 0, 12, 5, 0};
  for (TestBackend* on : {&reference_backend(), &tested_backends()[0]}) {
    const auto outputs = [&](const GradientPenaltyDesc& d) {
      return run(*on, made(d), {out(vector_shape(1)), out(vector_shape(1)), out(g), in(g, values)});
    };
    const std::vector<Vec> two = outputs({PenaltyKind::kTwoSided, g, 1, 10});
    EXPECT_NEAR(two[0][0], 10 * (16 + 144) / 2.0, 1e-4);
    EXPECT_NEAR(two[1][0], 9, 1e-6);
    EXPECT_NEAR(two[2][0], 10 / 2.0 * 2 * 4 * (3 / 5.0), 1e-5);
    EXPECT_NEAR(outputs({PenaltyKind::kOneSided, g, 6, 10})[0][0], 10 * (0 + 49) / 2.0, 1e-4);
    EXPECT_NEAR(outputs({PenaltyKind::kSquared, g, 0, 10})[0][0], 5 * (25 + 169) / 2.0, 1e-4);
  }
}

TEST(PenaltyLadder, NoGradientIsNoNumberThatIsNot) {
  const Shape g{2, 3, 1, 1};
  for (TestBackend& on : tested_backends()) {
    for (const PenaltyKind kind : kKinds) {
      const std::vector<Vec> result =
          run(on, made(GradientPenaltyDesc{kind, g, 1, 10}),
              {out(vector_shape(1)), out(vector_shape(1)), out(g), in(g, Vec(6))});
      EXPECT_NEAR(result[0][0], kind == PenaltyKind::kTwoSided ? 10 * (1 - 2e-5) : 0, 1e-4);
      for (const double v : result[2]) EXPECT_EQ(v, 0);
    }
  }
}

TEST(PenaltyLadder, VIsTheSlopeOfTheValue) {
  const Shape g{3, 2, 1, 1};
  const Vec directions = {0.6, 0.2, -0.3, 0.5, 0.4, -0.4};
  for (const PenaltyKind kind : kKinds) {
    for (const double size : {1.0, 5.0}) {  // all norms below the target, or all above
      const GradientPenaltyDesc d{kind, g, 1, 1.5f};
      const auto evaluate = [=](const Vec& at) {
        return run(reference_backend(), made(d),
                   {out(vector_shape(1)), out(vector_shape(1)), out(g), in(g, at)});
      };
      Differentiable op;
      op.name = "gradient_penalty";
      Vec at = directions;
      for (double& value : at) value *= size;
      op.at = {at};
      op.output_size = 1;
      op.forward = [=](const std::vector<Vec>& point) { return evaluate(point[0])[0]; };
      op.backward = [=](const std::vector<Vec>& point, const Vec& dy) {
        Vec v = evaluate(point[0])[2];
        for (double& value : v) value *= dy[0];
        return std::vector<Vec>{v};
      };
      check_gradients(op);
    }
  }
}

}  // namespace
}  // namespace gantry::ladder
