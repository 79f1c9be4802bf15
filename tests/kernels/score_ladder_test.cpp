// SPDX-License-Identifier: Apache-2.0
// What techniques make of scores: against the reference, and against numbers worked out by hand.
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

const Shape kOne = vector_shape(1);

template <typename Make>
std::vector<Vec> on_reference(const Make& make, const std::vector<Arg>& args) {
  return run(reference_backend(), make, args);
}

// ---- LeCam ----

std::vector<Arg> lecam_args(const LecamDesc& d, const Vec& y, double anchor, int64_t step) {
  return {out(kOne), out(d.y), in(d.y, y), scalar(anchor), counter(step)};
}

std::vector<Vec> lecam(const LecamDesc& d, const Vec& y, double anchor, int64_t step) {
  return on_reference([d](Kernels& k) { return k.lecam(d); }, lecam_args(d, y, anchor, step));
}

TEST(ScoreLadder, LecamIsTheReference) {
  for (const Shape& y : {Shape{1, 1, 1, 1}, Shape{64, 1, 1, 1}, Shape{5, 1, 7, 3}}) {
    for (const bool below : {false, true}) {
      for (const int64_t step : {9, 10, 11}) {
        const LecamDesc d{y, below, 0.3f, 10};
        check_parity({"lecam",
                      concat(to_string(y), " below ", below, " step ", step),
                      [d](Kernels& k) { return k.lecam(d); },
                      lecam_args(d, Sampler(1).normal(y, 0.2, 1.5), 0.375, step),
                      {}});
      }
    }
  }
}

TEST(ScoreLadder, LecamGradientIsTheSlope) {
  const Shape y{4, 1, 3, 1};
  for (const bool below : {false, true}) {
    const LecamDesc d{y, below, 0.7f, 0};
    Differentiable op;
    op.name = concat("lecam below ", below);
    op.at = {Sampler(2).normal(y)};
    op.output_size = 1;
    op.forward = [=](const std::vector<Vec>& at) { return lecam(d, at[0], 0.25, 1)[0]; };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      Vec slope = lecam(d, at[0], 0.25, 1)[1];
      for (double& value : slope) value *= dy[0];
      return std::vector<Vec>{slope};
    };
    check_gradients(op);
  }
}

// Real scores are drawn down to the generated anchor, generated ones up to the real anchor, and
// those on the right side already are left alone.
TEST(ScoreLadder, LecamDrawsOnlyWhatIsTooFar) {
  const LecamDesc real{{3, 1, 1, 1}, false, 3, 0}, fake{{3, 1, 1, 1}, true, 3, 0};
  const std::vector<Vec> above = lecam(real, {2, 0, -5}, 1, 0),
                         under = lecam(fake, {2, 0, -1}, 1, 0);
  EXPECT_DOUBLE_EQ(above[0][0], 1);
  EXPECT_EQ(above[1], (Vec{2, 0, 0}));
  EXPECT_DOUBLE_EQ(under[0][0], 1 + 4);
  EXPECT_EQ(under[1], (Vec{0, -2, -4}));
}

// ---- Moving average ----

TEST(ScoreLadder, MovingAverageIsTheReference) {
  const MovingAverageDesc d{0.99f, 5};
  for (const int64_t step : {0, 4, 5, 900}) {
    check_parity(
        {"moving_average",
         concat("step ", step),
         [d](Kernels& k) { return k.moving_average(d); },
         {out(kOne), inout(kOne, rounded({-3.2})), in(kOne, rounded({1.7})), counter(step)},
         {}});
  }
}

TEST(ScoreLadder, TheAverageFollowsUntilItStarts) {
  const auto next = [](int64_t step) {
    const MovingAverageDesc d{0.75f, 5};
    return on_reference([d](Kernels& k) { return k.moving_average(d); },
                        {out(kOne), inout(kOne, {4}), scalar(8), counter(step)});
  };
  EXPECT_DOUBLE_EQ(next(4)[1][0], 8);
  EXPECT_DOUBLE_EQ(next(5)[1][0], 5);
  EXPECT_DOUBLE_EQ(next(5)[0][0], 5);
}

// ---- Top-k ----

std::vector<Vec> top_k(TestBackend& on, const TopKDesc& d, const Vec& y, int64_t step) {
  return run(on, [d](Kernels& k) { return k.top_k(d); },
             {out({d.y.n, 1, 1, 1}), out(kOne), in(d.y, y), counter(step)});
}

TEST(ScoreLadder, TopKIsTheReference) {
  for (const Shape& y :
       {Shape{1, 1, 1, 1}, Shape{64, 1, 1, 1}, Shape{300, 1, 1, 1}, Shape{7, 1, 3, 5}}) {
    for (const int64_t step : {0, 99, 100, 1500, 1'000'000}) {
      const TopKDesc d{y, 0.9, 0.5, 100};
      check_parity({"top_k",
                    concat(to_string(y), " step ", step),
                    [d](Kernels& k) { return k.top_k(d); },
                    {out({y.n, 1, 1, 1}), out(kOne), in(y, Sampler(3).normal(y)), counter(step)},
                    {}});
    }
  }
}

TEST(ScoreLadder, TheHighestScoresCountTheFirstOfEquals) {
  const TopKDesc d{{5, 1, 1, 1}, 0.8, 0.4, 10};
  for (TestBackend* on : {&reference_backend(), &tested_backends()[0]}) {
    const Vec y = {1, 3, 2, 3, 3};
    EXPECT_EQ(top_k(*on, d, y, 9)[0], (Vec{1, 1, 1, 1, 1}));
    EXPECT_EQ(top_k(*on, d, y, 10)[0], (Vec{0, 1.25, 1.25, 1.25, 1.25}));
    EXPECT_EQ(top_k(*on, d, y, 500)[0], (Vec{0, 2.5, 0, 2.5, 0}));
    EXPECT_FLOAT_EQ(static_cast<float>(top_k(*on, d, y, 500)[1][0]), 0.4f);
    // By the mean over patches: 2, 3.
    EXPECT_EQ(top_k(*on, {{2, 1, 1, 2}, 0.5, 0.1, 1}, {9, -5, 3, 3}, 1)[0], (Vec{0, 2}));
    EXPECT_EQ(top_k(*on, {{2, 1, 1, 1}, 0.5, 0, 1}, {1, 2}, 1000)[0], (Vec{0, 2}));  // one at least
  }
}

// ---- Adaptive probability ----

std::vector<Arg> adaptive_args(const Shape& y, double p, const Vec& tally, const Vec& scores) {
  return {out(kOne), out(kOne), inout(kOne, rounded({p})), inout(vector_shape(2), tally),
          in(y, scores)};
}

TEST(ScoreLadder, AdaptiveProbabilityIsTheReference) {
  for (const Shape& y : {Shape{16, 1, 1, 1}, Shape{5, 1, 7, 7}, Shape{9000, 1, 1, 1}}) {
    for (const double mean : {-1.0, 0.0, 3.0}) {
      for (const int64_t interval : {y.n, y.n + 48, y.n + 49}) {
        const AdaptiveProbabilityDesc d{y, 0.6, 20000, interval};
        check_parity({"adaptive_probability",
                      concat(to_string(y), " mean ", mean, " interval ", interval),
                      [d](Kernels& k) { return k.adaptive_probability(d); },
                      adaptive_args(y, 0.125, {20, 48}, Sampler(4).normal(y, mean, 1)),
                      {}});
      }
    }
  }
}

// By hand: four batches of 16 move p by 64 / 500,000, up where most signs are positive.
TEST(ScoreLadder, FourBatchesMoveThePublishedStep) {
  const Shape y{16, 1, 1, 1};
  const AdaptiveProbabilityDesc d{y, 0.6, 500000, 64};
  const auto after = [&](double p, const Vec& tally, double score) {
    return on_reference([d](Kernels& k) { return k.adaptive_probability(d); },
                        adaptive_args(y, p, tally, Vec(16, score)));
  };
  const std::vector<Vec> third = after(0.25, {32, 32}, 1), fourth = after(0.25, {48, 48}, 1);
  EXPECT_DOUBLE_EQ(third[2][0], 0.25);
  EXPECT_EQ(third[3], (Vec{48, 48}));
  EXPECT_DOUBLE_EQ(fourth[0][0], 1);
  EXPECT_DOUBLE_EQ(fourth[1][0], 0.25 + 64 / 500000.0);
  EXPECT_EQ(fourth[3], (Vec{0, 0}));
  EXPECT_DOUBLE_EQ(after(0.25, {-48, 48}, -2)[1][0], 0.25 - 64 / 500000.0);
  EXPECT_DOUBLE_EQ(after(0, {-48, 48}, -2)[1][0], 0);           // never below 0
  EXPECT_DOUBLE_EQ(after(0.25, {48, 48}, 0)[0][0], 48.0 / 64);  // 0 has no sign
}

}  // namespace
}  // namespace gantry::ladder
