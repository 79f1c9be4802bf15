// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

constexpr Activation kIdentity{};
constexpr Activation kReLU{ActivationKind::kReLU, 0};
constexpr Activation kLeaky{ActivationKind::kLeakyReLU, 0.2f};

NormDesc batch(const Shape& x, int64_t groups = 1) {
  NormDesc d;
  d.x = x;
  d.batch_groups = groups;
  return d;
}
NormDesc per_sample(NormKind kind, const Shape& x, int64_t channel_groups = 1) {
  NormDesc d;
  d.kind = kind;
  d.x = x;
  d.channel_groups = channel_groups;
  return d;
}

std::vector<NormDesc> small_descs() {
  return {batch({4, 3, 5, 5}),
          batch({4, 3, 2, 3}, 2),
          batch({8, 17, 1, 1}, 2),
          batch({8, 2, 2, 2}, 4),
          batch({1, 2, 4, 3}),
          per_sample(NormKind::kLayer, {3, 4, 3, 2}),
          per_sample(NormKind::kLayer, {5, 17, 1, 1}),
          per_sample(NormKind::kInstance, {2, 3, 4, 5}),
          per_sample(NormKind::kGroup, {2, 6, 3, 3}, 3),
          per_sample(NormKind::kGroup, {3, 4, 2, 2}, 1),
          per_sample(NormKind::kGroup, {2, 4, 3, 4}, 4)};
}

// Rows of one pixel and of several, groups of one chunk of work and of many.
std::vector<NormDesc> large_descs() {
  return {batch({16, 64, 8, 8}, 2),
          batch({8, 512, 4, 4}, 2),
          batch({64, 200, 1, 1}),
          batch({16, 1, 28, 28}, 2),
          batch({16, 3, 32, 32}),
          batch({4, 128, 32, 32}, 2),
          batch({3, 17, 37, 37}),
          per_sample(NormKind::kLayer, {40, 100, 1, 1}),
          per_sample(NormKind::kLayer, {2, 64, 48, 48}),
          per_sample(NormKind::kInstance, {2, 3, 61, 67}),
          per_sample(NormKind::kInstance, {36, 16, 8, 8}),
          per_sample(NormKind::kInstance, {2, 32, 64, 64}),
          per_sample(NormKind::kGroup, {4, 48, 9, 9}, 8)};
}

std::string name_of(const NormDesc& d) {
  return concat("kind ", static_cast<int>(d.kind), " ", to_string(d.x), " groups ", d.batch_groups,
                "/", d.channel_groups, " eps ", d.eps, " ", activation_name(d.activation.kind));
}

Maker maker(const NormDesc& d, NormPass pass) {
  return [=](Kernels& k) { return k.norm(d, pass); };
}

struct Point {
  Vec x, gamma, beta;
};

// {y, mean, rstd}
std::vector<Vec> normalized(NormDesc d, const Point& p) {
  d.track = false;
  const Shape stats = norm_stats_shape(d), c = vector_shape(d.x.c);
  return run(reference_backend(), maker(d, NormPass::kForward),
             {out(d.x), out(stats), out(stats), in(d.x, p.x), in(c, p.gamma), in(c, p.beta)});
}

// A point where no element is within `gap` of the kink of the activation.
Point sample_point(NormDesc d, double mean, double deviation, double gap) {
  Sampler sample(31);
  const Shape c = vector_shape(d.x.c);
  Point p{sample.normal(d.x, mean, deviation), sample.normal(c, 1, 0.2), sample.off_zero(c, 0.2)};
  d.activation = kIdentity;
  for (int round = 0; round < 100; ++round) {
    const Vec z = normalized(d, p)[0];
    bool clear = true;
    for (size_t k = 0; k < z.size(); ++k) {
      if (std::fabs(z[k]) >= gap) continue;
      clear = false;
      p.x[k] += 4 * gap * deviation;
    }
    p.x = rounded(p.x);
    if (clear) return p;
  }
  ADD_FAILURE() << name_of(d) << ": every point has an element at the kink";
  return p;
}

OpCase forward_case(const NormDesc& d, const Point& p, const std::string& row) {
  const Shape stats = norm_stats_shape(d), c = vector_shape(d.x.c);
  OpCase test{
      row, name_of(d), maker(d, NormPass::kForward), {out(d.x), out(stats), out(stats)}, {}};
  if (d.kind == NormKind::kBatch && d.track) {
    test.args.push_back(inout(c, Sampler(32).normal(c)));
    test.args.push_back(inout(c, Sampler(33).uniform(c, 0.5, 2)));
  }
  test.args.insert(test.args.end(), {in(d.x, p.x), in(c, p.gamma), in(c, p.beta)});
  return test;
}

// x, dy, [ux], gamma, beta, mean, rstd after the outputs.
OpCase gradient_case(const NormDesc& d, const Point& p, NormPass pass) {
  Sampler sample(34);
  const Shape stats = norm_stats_shape(d), c = vector_shape(d.x.c);
  const std::vector<Vec> forward = normalized(d, p);
  const auto total = [&] { return d.accumulate ? inout(c, sample.normal(c)) : out(c); };
  OpCase test{"", name_of(d), maker(d, pass), {out(d.x)}, {}};
  if (pass == NormPass::kBackward) {
    test.op = "norm.backward";
    test.args.push_back(total());
    test.args.push_back(total());
    test.in_place = {{0, 4}};
  } else if (pass == NormPass::kBackwardData) {
    test.op = "norm.backward";
    test.in_place = {{0, 2}};
  } else {
    test.op = "norm.double_backward";
    test.args.push_back(out(d.x));
    test.args.push_back(inout(c, sample.normal(c)));
  }
  test.args.push_back(in(d.x, p.x));
  test.args.push_back(in(d.x, Sampler(35).normal(d.x)));
  if (pass == NormPass::kDoubleBackward) test.args.push_back(in(d.x, Sampler(36).normal(d.x)));
  test.args.insert(test.args.end(), {in(c, p.gamma), in(c, p.beta), in(stats, rounded(forward[1])),
                                     in(stats, rounded(forward[2]))});
  return test;
}

// All that has x's shape; statistics and parameters are f32. (Where the mean is 1e4, 16 bits would
// leave no deviation. The largest shapes are about how rows are cut, which no type changes.)
constexpr int64_t kMostNarrow = 70'000;
OpCase with_narrow(OpCase test, const NormDesc& d) {
  const Shape c = vector_shape(d.x.c), stats = norm_stats_shape(d);
  for (Arg& arg : test.args) {
    if (arg.shape == d.x && arg.shape != c && arg.shape != stats) arg = narrow(arg);
  }
  return test;
}

void check_passes(NormDesc d, const Point& p, const std::string& forward_row) {
  d.track = d.kind == NormKind::kBatch;
  const auto held = [&](OpCase test) {
    const bool fits = forward_row == "norm.forward" && d.x.elements() <= kMostNarrow;
    return fits ? with_narrow(std::move(test), d) : test;
  };
  check_parity(held(forward_case(d, p, forward_row)));
  check_parity(held(gradient_case(d, p, NormPass::kBackwardData)));
  check_parity(held(gradient_case(d, p, NormPass::kDoubleBackward)));
  const OpCase fresh = held(gradient_case(d, p, NormPass::kBackward));
  d.accumulate = true;
  const OpCase added = held(gradient_case(d, p, NormPass::kBackward));
  check_parity(fresh);
  check_parity(added);
  check_accumulate(fresh, added);
}

void check_all(const std::vector<NormDesc>& descs) {
  for (NormDesc d : descs) {
    for (const Activation& activation : {kIdentity, kReLU, kLeaky}) {
      d.activation = activation;
      check_passes(d, sample_point(d, 0.5, 1.5, 1e-4), "norm.forward");
    }
  }
}

TEST(NormLadder, SmallShapesAreTheReference) { check_all(small_descs()); }

// With the one activation that has everything: a mask and two slopes.
TEST(NormLadder, LargeShapesAreTheReference) {
  for (NormDesc d : large_descs()) {
    d.activation = kLeaky;
    check_passes(d, sample_point(d, 0.5, 1.5, 1e-4), "norm.forward");
  }
}

TEST(NormLadder, Statistics) {
  NormDesc d = batch({4, 3, 5, 5}, 2);
  const Point p = sample_point(d, 0.5, 1.5, 1e-4);
  for (const float momentum : {0.0f, 0.01f, 0.1f, 1.0f}) {
    for (const bool unbiased : {false, true}) {
      d.momentum = momentum;
      d.unbiased = unbiased;
      check_parity(forward_case(d, p, "norm.forward"));
    }
  }
  d.track = false;
  check_parity(forward_case(d, p, "norm.forward"));
  // A group of one value has no variance, unbiased or not.
  const NormDesc one = batch({2, 3, 1, 1}, 2);
  check_parity(forward_case(one, sample_point(one, 0.5, 1.5, 1e-4), "norm.forward"));
}

TEST(NormLadder, EpsilonExtremes) {
  for (NormDesc d : {batch({4, 3, 5, 5}), per_sample(NormKind::kInstance, {2, 3, 4, 5})}) {
    for (const float eps : {1e-12f, 1e-3f, 1.0f}) {
      d.eps = eps;
      d.activation = kLeaky;
      check_passes(d, sample_point(d, 0.5, 1.5, 1e-4), "norm.forward");
    }
    d.eps = 1e-5f;
    check_passes(d, sample_point(d, 0, 1e-3, 1e-4), "norm.forward");
  }
}

// The mean itself is rounded to f32 (half a unit in the last place of 1e4 is 5e-4), which bounds y.
TEST(NormLadder, MeanFarFromZero) {
  for (NormDesc d :
       {batch({4, 3, 5, 5}), batch({16, 8, 8, 8}, 2), per_sample(NormKind::kLayer, {4, 8, 8, 8}),
        per_sample(NormKind::kInstance, {2, 3, 4, 5}),
        per_sample(NormKind::kGroup, {2, 6, 3, 3}, 3)}) {
    d.activation = kLeaky;
    check_passes(d, sample_point(d, 1e4, 1, 1e-2), "norm.forward, mean 1e4");
  }
}

TEST(NormLadder, InferenceIsTheReference) {
  for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{3, 17, 1, 1}, Shape{2, 64, 5, 7}}) {
    for (const Activation& activation : {kIdentity, kReLU, kLeaky}) {
      NormDesc d = batch(x);
      d.activation = activation;
      const Shape c = vector_shape(x.c);
      Sampler sample(37);
      check_parity(
          {"norm.inference",
           name_of(d),
           maker(d, NormPass::kInference),
           {narrow(out(x)), narrow(in(x, sample.normal(x))), in(c, sample.normal(c, 1, 0.2)),
            in(c, sample.normal(c)), in(c, sample.normal(c)), in(c, sample.uniform(c, 0.1, 2))},
           {}});
    }
  }
}

// One pass over [a; b] with two groups equals a pass over a and a pass over b.
TEST(NormLadder, BatchGroupsAreSeparatePasses) {
  const Shape half{3, 4, 3, 2};
  const NormDesc both = batch(half.with_n(6), 2), one = batch(half);
  const Point p = sample_point(both, 0, 1, 0);
  const Vec y = normalized(both, p)[0];
  const auto middle = p.x.begin() + half.elements();
  Vec parts = normalized(one, {Vec(p.x.begin(), middle), p.gamma, p.beta})[0];
  const Vec second = normalized(one, {Vec(middle, p.x.end()), p.gamma, p.beta})[0];
  parts.insert(parts.end(), second.begin(), second.end());
  EXPECT_EQ(y, parts);
}

Differentiable normalization(const NormDesc& d) {
  const Shape stats = norm_stats_shape(d), c = vector_shape(d.x.c);
  const Point p = sample_point(d, 0.3, 1.2, 1e-3);
  Differentiable op;
  op.name = name_of(d);
  op.at = {p.x, p.gamma, p.beta};
  op.output_size = static_cast<size_t>(d.x.elements());
  op.forward = [=](const std::vector<Vec>& at) { return normalized(d, {at[0], at[1], at[2]})[0]; };
  const auto inputs = [=](const std::vector<Vec>& at, std::vector<Arg> results,
                          std::vector<Arg> deltas) {
    const std::vector<Vec> f = normalized(d, {at[0], at[1], at[2]});
    results.push_back(in(d.x, at[0]));
    results.insert(results.end(), deltas.begin(), deltas.end());
    results.insert(results.end(), {in(c, at[1]), in(c, at[2]), in(stats, f[1]), in(stats, f[2])});
    return results;
  };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    return run(reference_backend(), maker(d, NormPass::kBackward),
               inputs(at, {out(d.x), out(c), out(c)}, {in(d.x, dy)}));
  };
  op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& u) {
    std::vector<Vec> second =
        run(reference_backend(), maker(d, NormPass::kDoubleBackward),
            inputs(at, {out(d.x), out(d.x), inout(c, Vec(static_cast<size_t>(d.x.c)))},
                   {in(d.x, dy), in(d.x, u)}));
    second.push_back({});  // beta
    return second;
  };
  return op;
}

TEST(NormLadder, Calculus) {
  for (NormDesc d : small_descs()) {
    d.track = false;
    for (const Activation& activation : {kIdentity, kReLU, kLeaky}) {
      d.activation = activation;
      check_calculus(normalization(d));
    }
    d.eps = 0.5f;
    check_calculus(normalization(d));
  }
}

}  // namespace
}  // namespace gantry::ladder
