// SPDX-License-Identifier: Apache-2.0
// Augmentation: drawn rows and what they do to samples, against the reference and against calculus.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

const RandomKey kAugmentKey = random_key(7, Purpose::kDiffAugment, 3);

Shape rows_of(int64_t n) { return {n, kAugmentNumbers, 1, 1}; }

AugmentDrawDesc published(int64_t n, int64_t h, int64_t w, bool adaptive = false) {
  return {n, h, w, 1, 1, 0.5f, 0.125f, 0.5f, adaptive, kAugmentKey, 4};
}

std::vector<Arg> draw_args(const AugmentDrawDesc& d, int64_t step, double p) {
  std::vector<Arg> args = {out(rows_of(d.n)), counter(step)};
  if (d.adaptive) args.push_back(scalar(p));
  return args;
}

Vec draw(TestBackend& on, const AugmentDrawDesc& d, int64_t step, double p = 1) {
  return run(
      on, [d](Kernels& k) { return k.augment_draw(d); }, draw_args(d, step, p))[0];
}

// Drawn on the reference and rounded, so that every backend is given the same.
Vec rows(const Shape& x) { return rounded(draw(reference_backend(), published(x.n, x.h, x.w), 5)); }

Maker maker(const Shape& x, LinearPass pass) {
  return [=](Kernels& k) { return k.augment({x, 0.5f}, pass); };
}

Vec apply(TestBackend& on, const Shape& x, LinearPass pass, const Vec& values, const Vec& t) {
  return run(on, maker(x, pass), {out(x), in(x, values), in(rows_of(x.n), t)})[0];
}

std::vector<Shape> augment_shapes() {
  return {{1, 1, 1, 1}, {3, 1, 5, 7}, {5, 3, 8, 8}, {2, 3, 33, 17}, {4, 1, 28, 28}, {2, 5, 64, 64}};
}

TEST(AugmentLadder, DrawsAreTheReference) {
  for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{70, 1, 28, 28}, Shape{300, 1, 33, 17}}) {
    for (const double p : {0.0, 0.3, 1.0, 1.5}) {
      for (const bool adaptive : {false, true}) {
        const AugmentDrawDesc d = published(x.n, x.h, x.w, adaptive);
        check_parity({"augment_draw",
                      concat(to_string(x), " p ", p, " adaptive ", adaptive),
                      [d](Kernels& k) { return k.augment_draw(d); },
                      draw_args(d, 3, p),
                      {}});
      }
    }
  }
}

TEST(AugmentLadder, AugmentingIsTheReference) {
  for (const Shape& x : augment_shapes()) {
    for (const LinearPass pass : {LinearPass::kForward, LinearPass::kBackward}) {
      const char* row = pass == LinearPass::kForward ? "augment.forward" : "augment.backward";
      check_parity({row,
                    to_string(x),
                    maker(x, pass),
                    {out(x), in(x, Sampler(5).normal(x, 0.2, 1)), in(rows_of(x.n), rows(x))},
                    {}});
    }
  }
}

// Affine: the difference of two images of x and x + u is linear in u, and backward its transpose.
TEST(AugmentLadder, BackwardIsTheTransposeOfTheLinearPart) {
  for (const Shape& x : augment_shapes()) {
    const Vec t = rows(x), at = Sampler(6).normal(x), dy = Sampler(7).normal(x);
    Vec u = Sampler(8).normal(x), moved = at;
    for (size_t i = 0; i < u.size(); ++i) moved[i] += u[i];
    TestBackend& on = reference_backend();
    const Vec y = apply(on, x, LinearPass::kForward, at, t);
    const Vec y_moved = apply(on, x, LinearPass::kForward, moved, t);
    const Vec dx = apply(on, x, LinearPass::kBackward, dy, t);
    double forward = 0, backward = 0;
    for (size_t i = 0; i < u.size(); ++i) {
      forward += dy[i] * (y_moved[i] - y[i]);
      backward += dx[i] * u[i];
    }
    EXPECT_NEAR(forward, backward, 1e-10 * (1 + std::abs(forward))) << to_string(x);
  }
}

TEST(AugmentLadder, GradientIsTheSlope) {
  const Shape x{4, 3, 6, 5};
  const Vec t = rows(x);
  Differentiable op;
  op.name = "augment";
  op.at = {Sampler(9).normal(x)};
  op.output_size = static_cast<size_t>(x.elements());
  op.forward = [=](const std::vector<Vec>& at) {
    return apply(reference_backend(), x, LinearPass::kForward, at[0], t);
  };
  op.backward = [=](const std::vector<Vec>&, const Vec& dy) {
    return std::vector<Vec>{apply(reference_backend(), x, LinearPass::kBackward, dy, t)};
  };
  check_gradients(op);
}

// One thing at a time, by hand.
TEST(AugmentLadder, EachNumberDoesWhatItSays) {
  const Shape x{1, 2, 2, 2};
  const Vec values = {1, 3, 0, 2, 5, 5, 4, 4};  // pixels of two channels; means 2, 1, 5, 4; all: 3
  const auto with = [&](const Vec& t) {
    return apply(reference_backend(), x, LinearPass::kForward, values, t);
  };
  EXPECT_EQ(with({0, 1, 1, 0, 0, 0, 0, 0}), values);
  EXPECT_EQ(with({0.5, 1, 1, 0, 0, 0, 0, 0}), (Vec{1.5, 3.5, 0.5, 2.5, 5.5, 5.5, 4.5, 4.5}));
  EXPECT_EQ(with({0, 0, 1, 0, 0, 0, 0, 0}), (Vec{2, 2, 1, 1, 5, 5, 4, 4}));
  EXPECT_EQ(with({0, 1, 0, 0, 0, 0, 0, 0}), Vec(8, 3.0));
  EXPECT_EQ(with({0, 1, 1, 1, 0, 0, 0, 0}), (Vec{0, 0, 0, 0, 1, 3, 0, 2}));   // down
  EXPECT_EQ(with({0, 1, 1, 0, -1, 0, 0, 0}), (Vec{0, 2, 0, 0, 4, 4, 0, 0}));  // left
  EXPECT_EQ(with({0, 1, 1, 0, 0, 1, 0, 1}), (Vec{1, 3, 0, 2, 0, 0, 4, 4}));   // a 1 x 1 hole
}

TEST(AugmentLadder, DrawsCoverTheirRanges) {
  const Vec t = draw(reference_backend(), published(4000, 32, 17), 1);
  std::set<double> shifts, tops;
  double least = 9, most = -9;
  for (size_t n = 0; n < 4000; ++n) {
    const double* row = t.data() + 8 * n;
    EXPECT_LE(std::abs(row[0]), 0.5);
    least = std::min(least, row[1]);
    most = std::max(most, row[1]);
    EXPECT_LE(std::abs(row[2] - 1), 0.5);
    shifts.insert(row[3]);
    tops.insert(row[5]);
    EXPECT_LE(std::abs(row[4]), 2);  // [17 / 8]
    EXPECT_EQ(row[7], 1);
  }
  EXPECT_GE(least, 0);
  EXPECT_LT(least, 0.01);
  EXPECT_GT(most, 1.99);
  EXPECT_EQ(shifts.size(), 9u);  // -4 .. 4
  EXPECT_EQ(*tops.begin(), -8);  // a side of 16 about 0 .. 32
  EXPECT_EQ(*tops.rbegin(), 24);
}

// Each operation with probability p, and apart from the others.
TEST(AugmentLadder, AdaptiveAugmentationHappensWithProbabilityP) {
  constexpr size_t kCount = 4000;
  const Vec t = draw(reference_backend(), published(kCount, 32, 32, true), 1, 0.3);
  double coloured = 0, cut = 0, both = 0;
  for (size_t n = 0; n < kCount; ++n) {
    coloured += t[8 * n] != 0;
    cut += t[8 * n + 7];
    both += t[8 * n] != 0 && t[8 * n + 7] == 1;
  }
  EXPECT_NEAR(coloured / kCount, 0.3, 0.03);
  EXPECT_NEAR(cut / kCount, 0.3, 0.03);
  EXPECT_NEAR(both / kCount, 0.09, 0.02);
  const Vec none = draw(reference_backend(), published(9, 32, 32, true), 1, 0);
  for (size_t n = 0; n < 9; ++n)
    EXPECT_EQ(Vec(none.begin() + static_cast<ptrdiff_t>(8 * n),
                  none.begin() + static_cast<ptrdiff_t>(8 * n + 8)),
              (Vec{0, 1, 1, 0, 0, 0, 0, 0}));
}

TEST(AugmentLadder, DrawsDoNotDependOnTheSplitOfTheBatch) {
  for (TestBackend& on : tested_backends()) {
    const auto drawn = [&](uint32_t first, int64_t count) {
      AugmentDrawDesc d = published(count, 28, 28);
      d.first_sample = first;
      return draw(on, d, 2);
    };
    Vec parts = drawn(10, 2);
    for (const double value : drawn(12, 4)) parts.push_back(value);
    EXPECT_EQ(parts, drawn(10, 6));
  }
}

}  // namespace
}  // namespace gantry::ladder
