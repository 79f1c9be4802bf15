// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

using Rule = OptimizerDesc::Kind;
using Variant = OptimizerDesc::Variant;

OptimizerDesc sgd(double momentum, bool nesterov, Variant variant) {
  OptimizerDesc d;
  d.kind = Rule::kSgd;
  d.variant = variant;
  d.momentum = momentum;
  d.nesterov = nesterov;
  return d;
}

OptimizerDesc adam(Variant variant) {
  OptimizerDesc d;
  d.variant = variant;
  d.beta1 = 0.5;
  return d;
}

OptimizerDesc rmsprop(double momentum, bool centered, Variant variant) {
  OptimizerDesc d;
  d.kind = Rule::kRmsprop;
  d.variant = variant;
  d.momentum = momentum;
  d.centered = centered;
  return d;
}

std::vector<OptimizerDesc> rules() {
  std::vector<OptimizerDesc> list;
  for (const Variant variant : {Variant::kPyTorch, Variant::kKeras}) {
    list.push_back(sgd(0, false, variant));
    list.push_back(sgd(0.9, false, variant));
    list.push_back(sgd(0.9, true, variant));
    list.push_back(adam(variant));
    list.push_back(rmsprop(0, false, variant));
    list.push_back(rmsprop(0.9, false, variant));
    list.push_back(rmsprop(0, true, variant));
    list.push_back(rmsprop(0.9, true, variant));
  }
  list.push_back(sgd(0.9, false, Variant::kPyTorch));
  list.back().dampening = 0.5;
  return list;
}

std::vector<OptimizerDesc> with_options(OptimizerDesc d) {
  std::vector<OptimizerDesc> list = {d};
  d.weight_decay = 0.01;
  list.push_back(d);
  d.decoupled = true;
  list.push_back(d);
  d.clip_value = 0.5;
  d.weight_clip = 0.8;
  d.ema_decay = 0.99;
  list.push_back(d);
  d.ema_start = 5;
  d.narrow = true;
  list.push_back(d);
  return list;
}

// The arguments of one update number t; second moments come first and are positive, and a centered
// rule's mean is small enough for its variance to be positive.
OpCase update_case(OptimizerDesc d, int64_t size, int64_t t, double scale, double found) {
  d.size = size;
  Sampler sample(71);
  const Shape shape = vector_shape(size);
  OpCase test{"optimizer",
              concat("rule ", static_cast<int>(d.kind), " variant ", static_cast<int>(d.variant),
                     " momentum ", d.momentum, " size ", size, " t ", t, " ema ", d.ema_decay),
              [d](Kernels& k) { return k.optimizer(d); },
              {inout(shape, sample.off_zero(shape, 1))},
              {}};
  const int states = optimizer_states(d);
  for (int i = 0; i < states; ++i) {
    const bool positive = (d.kind == Rule::kRmsprop && i == 0) || (d.kind == Rule::kAdam && i == 1);
    test.args.push_back(
        inout(shape, positive ? sample.uniform(shape, 0.5, 2) : sample.uniform(shape, -0.5, 0.5)));
  }
  if (d.ema_decay >= 0) test.args.push_back(inout(shape, sample.normal(shape)));
  if (d.narrow) test.args.push_back(narrow(inout(shape, Sampler(77).normal(shape))));
  test.args.insert(test.args.end(), {in(shape, sample.normal(shape)), scalar(rounded({2e-3})[0]),
                                     counter(t), scalar(scale), scalar(found)});
  return test;
}

TEST(OptimizerLadder, UpdatesAreTheReference) {
  for (const OptimizerDesc& rule : rules()) {
    for (const OptimizerDesc& d : with_options(rule)) {
      check_parity(update_case(d, 1, 1, 1, 0));
      check_parity(update_case(d, 13, 1, 0.25, 0));
      check_parity(update_case(d, 5003, 7, 1, 0));
    }
  }
}

TEST(OptimizerLadder, NonFiniteGradientChangesNothing) {
  for (const OptimizerDesc& rule : rules()) {
    OptimizerDesc d = with_options(rule).back();
    OpCase test = update_case(d, 13, 7, 1, 2);
    for (TestBackend& on : tested_backends()) {
      const std::vector<Vec> after = run(on, test.make, test.args);
      for (size_t i = 0; i < after.size(); ++i) EXPECT_EQ(after[i], test.args[i].values);
    }
  }
}

TEST(OptimizerLadder, GradientNormIsTheReference) {
  const Shape one = vector_shape(1);
  for (const int64_t size : {int64_t{1}, int64_t{1000}, int64_t{300'007}}) {
    for (const GradNormDesc& d : {GradNormDesc{size, 0, false}, GradNormDesc{size, 0.5, false},
                                  GradNormDesc{size, 1e9, false}, GradNormDesc{size, 0, true},
                                  GradNormDesc{size, 0.5, true}}) {
      OpCase test{"grad_norm",
                  concat(size, " max ", d.max_norm),
                  [d](Kernels& k) { return k.grad_norm(d); },
                  {out(one), out(one), out(one),
                   in(vector_shape(size), Sampler(72).normal(vector_shape(size)))},
                  {}};
      if (d.scaled) test.args.push_back(scalar(8));
      check_parity(test);
    }
  }
}

TEST(OptimizerLadder, GradientNormCountsWhatIsNotFinite) {
  const Shape one = vector_shape(1), shape = vector_shape(1001);
  Vec grad = Sampler(73).normal(shape);
  grad[3] = std::numeric_limits<double>::quiet_NaN();
  grad[500] = std::numeric_limits<double>::infinity();
  grad[1000] = -std::numeric_limits<double>::infinity();
  for (TestBackend& on : tested_backends()) {
    const std::vector<Vec> got = run(on,
                                     [](Kernels& k) {
                                       return k.grad_norm({1001, 0, true});
                                     },
                                     {out(one), out(one), out(one), in(shape, grad), scalar(2)});
    EXPECT_FALSE(std::isfinite(got[0][0]));
    EXPECT_EQ(got[1][0], 0.5);
    EXPECT_EQ(got[2][0], 3);
  }
  grad[3] = 0;  // infinities alone clip to nothing
  check_parity({"grad_norm",
                "of infinities",
                [](Kernels& k) {
                  return k.grad_norm({1001, 1, true});
                },
                {out(one), out(one), out(one), in(shape, grad), scalar(2)},
                {}});
}

// Every way through the rule: clean, the last clean one, growth that stops, a skip, one too many,
// a scale that falls no more.
TEST(OptimizerLadder, LossScaleIsTheReference) {
  const Shape one = vector_shape(1), three = vector_shape(3);
  const LossScaleDesc d{.interval = 5, .patience = 3};
  const struct {
    double scale, found;
    Vec counts;  // clean, skipped, in a row
  } table[] = {{65536, 0, {0, 0, 0}},  {65536, 0, {4, 7, 0}}, {16777216, 0, {4, 7, 0}},
               {65536, 12, {3, 7, 0}}, {512, 1, {0, 8, 1}},   {512, 1, {0, 9, 2}},
               {1, 3, {0, 5, 0}},      {2, 0, {0, 5, 2}}};
  for (const auto& row : table) {
    check_parity({"loss_scale",
                  concat(row.scale, " found ", row.found),
                  [d](Kernels& k) { return k.loss_scale(d); },
                  {out(one), out(one), out(one), inout(one, {row.scale}),
                   inout(three, row.counts, Kind::kCounter), scalar(3.5), scalar(row.found)},
                  {}});
  }
}

TEST(OptimizerLadder, SchedulesAreTheReference) {
  for (int kind = 0; kind <= static_cast<int>(ScheduleDesc::Kind::kCosine); ++kind) {
    for (const int64_t warmup : {int64_t{0}, int64_t{7}}) {
      for (const int64_t t : {0, 1, 6, 7, 50, 99, 100, 250}) {
        ScheduleDesc d;
        d.kind = static_cast<ScheduleDesc::Kind>(kind);
        d.lr = 2e-4;
        d.decay = 0.5;
        d.every = 10;
        d.from = 20;
        d.until = 100;
        d.floor = 1e-5;
        d.warmup = warmup;
        const Vec now = {static_cast<double>(t)};
        check_parity({"schedule",
                      concat("kind ", kind, " t ", t),
                      [d](Kernels& k) { return k.schedule(d); },
                      {out(vector_shape(1)), inout(vector_shape(1), now, Kind::kCounter)},
                      {}});
      }
    }
  }
}

TEST(OptimizerLadder, AdvanceCounts) {
  const auto count = [](double value) { return inout(vector_shape(1), {value}, Kind::kCounter); };
  // The first bad step is kept: the one found now (42) only where there was none (0).
  for (const int64_t values : {1, 31, 100}) {
    for (const double bad : {0.0, 7.0}) {
      for (const double last : {1.0, std::nan(""), HUGE_VAL}) {
        const AdvanceDesc d{.values = values, .samples = 48};
        Vec found = Sampler(75).normal(vector_shape(values));
        found.back() = last;
        check_parity(
            {"advance",
             concat(values, " values, the last ", last, ", bad ", bad),
             [d](Kernels& k) { return k.advance(d); },
             {count(41), count(5'000'000'000), count(bad), in(vector_shape(values), found)},
             {}});
      }
    }
  }
  const AdvanceDesc d{.values = 2};
  for (TestBackend& on : tested_backends()) {
    const auto ended = run(on, [d](Kernels& k) { return k.advance(d); },
                           {count(41), count(0), count(0), in(vector_shape(2), {1, HUGE_VAL})});
    EXPECT_EQ(ended[2][0], 42);
  }
}

OpCase spectral_case(const SpectralNormDesc& d) {
  Sampler sample(74);
  const Shape w{d.rows, d.columns, 1, 1}, u = vector_shape(d.rows), v = vector_shape(d.columns);
  return {
      "spectral_norm.forward",
      concat(d.rows, "x", d.columns, " iterations ", d.iterations),
      [d](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kForward); },
      {out(w), out(v), out(vector_shape(1)), inout(u, sample.normal(u)), in(w, sample.normal(w))},
      {}};
}

TEST(OptimizerLadder, SpectralNormIsTheReference) {
  for (const auto& [rows, columns] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {7, 1}, {17, 48}, {64, 1024}, {3, 75}}) {
    for (const int iterations : {0, 1, 3}) {
      SpectralNormDesc d;
      d.rows = rows;
      d.columns = columns;
      d.iterations = iterations;
      const OpCase forward = spectral_case(d);
      check_parity(forward);
      const std::vector<Vec> f = run(reference_backend(), forward.make, forward.args);
      const Shape w{rows, columns, 1, 1};
      check_parity({"spectral_norm.backward",
                    forward.name,
                    [d](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kBackward); },
                    {inout(w, Sampler(75).normal(w)), in(w, rounded(f[0])),
                     in(vector_shape(rows), rounded(f[3])),
                     in(vector_shape(columns), rounded(f[1])), scalar(rounded(f[2])[0])},
                    {}});
    }
  }
}

// With u left alone sigma = |W^T u|, whose slope is u v^T: what backward assumes holds exactly.
TEST(OptimizerLadder, SpectralNormGradient) {
  SpectralNormDesc d;
  d.rows = 4;
  d.columns = 6;
  d.iterations = 0;
  OpCase forward = spectral_case(d);
  const auto evaluate = [=](const Vec& w) {
    std::vector<Arg> args = forward.args;
    const double root = std::sqrt(4.0);
    args[3].values = {1 / root, -1 / root, 1 / root, 1 / root};
    args[4].values = w;
    return run(reference_backend(), forward.make, args);
  };
  Differentiable op;
  op.name = "spectral norm";
  op.at = {Sampler(76).normal({4, 6, 1, 1})};
  op.output_size = 24;
  op.forward = [=](const std::vector<Vec>& at) { return evaluate(at[0])[0]; };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    const std::vector<Vec> f = evaluate(at[0]);
    const Shape w{4, 6, 1, 1};
    return run(reference_backend(),
               [d](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kBackward); },
               {inout(w, dy), in(w, f[0]), in(vector_shape(4), f[3]), in(vector_shape(6), f[1]),
                scalar(f[2][0])});
  };
  check_gradients(op);
}

}  // namespace
}  // namespace gantry::ladder
