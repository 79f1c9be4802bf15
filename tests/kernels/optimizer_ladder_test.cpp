// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

using OptKind = OptimizerDesc::Kind;
using Variant = OptimizerDesc::Variant;

struct Situation {
  int64_t size = 1500, t = 7;
  double grad_scale = 0.5, found = 0;
};

OpCase optimizer_case(OptimizerDesc d, const std::string& name, const Situation& s = {}) {
  d.size = s.size;
  Sampler sample(61);
  const Shape shape = vector_shape(s.size);
  OpCase test{"optimizer", name, [d](Kernels& k) { return k.optimizer(d); }, {}, {}};
  test.args.push_back(inout(shape, sample.normal(shape)));
  // Second moments are not negative and, where centred, not below the squared first ones.
  for (int i = 0; i < optimizer_states(d); ++i) {
    const bool moment = d.kind == OptKind::kRmsprop ? i == 0 : d.kind == OptKind::kAdam && i == 1;
    test.args.push_back(
        inout(shape, moment ? sample.uniform(shape, 0.3, 2) : sample.uniform(shape, -0.5, 0.5)));
  }
  if (d.ema_decay >= 0) test.args.push_back(inout(shape, sample.normal(shape)));
  test.args.push_back(in(shape, sample.normal(shape)));
  test.args.push_back(in(vector_shape(1), rounded({2e-3})));
  test.args.push_back(counter(s.t));
  test.args.push_back(scalar(s.grad_scale));
  test.args.push_back(scalar(s.found));
  return test;
}

std::vector<std::pair<std::string, OptimizerDesc>> rules() {
  std::vector<std::pair<std::string, OptimizerDesc>> all;
  for (const Variant variant : {Variant::kPyTorch, Variant::kKeras}) {
    const std::string framework = variant == Variant::kPyTorch ? " pytorch" : " keras";
    const auto add = [&](const std::string& name, OptimizerDesc d) {
      d.variant = variant;
      all.emplace_back(name + framework, d);
    };
    add("sgd", {.kind = OptKind::kSgd});
    add("momentum", {.kind = OptKind::kSgd, .momentum = 0.9, .dampening = 0.1});
    add("nesterov", {.kind = OptKind::kSgd, .momentum = 0.9, .nesterov = true});
    add("adam", {.kind = OptKind::kAdam, .beta1 = 0.5});
    add("rmsprop", {.kind = OptKind::kRmsprop, .eps = 1e-7, .rho = 0.9});
    add("rmsprop momentum", {.kind = OptKind::kRmsprop, .momentum = 0.5});
    add("rmsprop centred", {.kind = OptKind::kRmsprop, .centered = true});
    add("rmsprop both", {.kind = OptKind::kRmsprop, .centered = true, .momentum = 0.5});
  }
  return all;
}

TEST(OptimizerLadder, EveryRuleIsTheReference) {
  for (const auto& [name, d] : rules()) {
    check_parity(optimizer_case(d, name));
    check_parity(optimizer_case(d, name + " first", {.size = 3, .t = 1}));
    check_parity(optimizer_case(d, name + " skipped", {.size = 40, .found = 1}));
  }
}

TEST(OptimizerLadder, EveryOptionIsTheReference) {
  for (auto [name, d] : rules()) {
    d.weight_decay = 0.01;
    check_parity(optimizer_case(d, name + " L2"));
    d.decoupled = true;
    d.clip_value = 0.3;
    d.weight_clip = 0.5;
    d.ema_decay = 0.99;
    check_parity(optimizer_case(d, name + " all"));
    d.ema_start = 8;
    check_parity(optimizer_case(d, name + " before the average starts"));
  }
}

TEST(GradNormLadder, IsTheReference) {
  const double infinity = HUGE_VAL;
  for (const int64_t size : {1, 100, 70000})
    for (const double max_norm : {0.0, 0.5, 1e6}) {
      const GradNormDesc d{size, max_norm, 0.25};
      const Shape one = vector_shape(1), shape = vector_shape(size);
      OpCase test{"grad_norm",
                  concat(size, " max ", max_norm),
                  [d](Kernels& k) { return k.grad_norm(d); },
                  {out(one), out(one), out(one), in(shape, Sampler(62).normal(shape))},
                  {}};
      check_parity(test);
      test.args[3].values[0] = infinity;
      check_parity(test);
    }
}

TEST(ScheduleLadder, IsTheReference) {
  using Kind = ScheduleDesc::Kind;
  for (const ScheduleDesc& d : std::vector<ScheduleDesc>{
           {.kind = Kind::kConstant, .lr = 2e-4},
           {.kind = Kind::kConstant, .lr = 2e-4, .warmup = 10},
           {.kind = Kind::kInverseTime, .lr = 1e-3, .decay = 1e-2},
           {.kind = Kind::kExponential, .lr = 1e-3, .decay = 0.96, .every = 10},
           {.kind = Kind::kStep, .lr = 1e-3, .decay = 0.5, .every = 10},
           {.kind = Kind::kLinear, .lr = 1e-3, .from = 20, .until = 90},
           {.kind = Kind::kCosine, .lr = 1e-3, .until = 90, .floor = 1e-5, .warmup = 5}})
    for (const int64_t t : {0, 1, 8, 9, 10, 19, 20, 21, 55, 90, 200})
      check_parity({"schedule",
                    concat("kind ", static_cast<int>(d.kind), " t ", t),
                    [d](Kernels& k) { return k.schedule(d); },
                    {out(vector_shape(1)),
                     inout(vector_shape(1), {static_cast<double>(t)}, ladder::Kind::kCounter)},
                    {}});
}

TEST(AdvanceLadder, AddsOne) {
  check_parity({"advance",
                "",
                [](Kernels& k) { return k.advance({}); },
                {inout(vector_shape(1), {41}, ladder::Kind::kCounter)},
                {}});
}

}  // namespace
}  // namespace gantry::ladder
