// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

NormDesc batch(const Shape& x, int64_t groups = 1) {
  NormDesc d;
  d.x = x;
  d.batch_groups = groups;
  return d;
}

NormDesc other(NormKind kind, const Shape& x, int64_t channel_groups = 1) {
  NormDesc d;
  d.kind = kind;
  d.x = x;
  d.channel_groups = channel_groups;
  return d;
}

// Small ones, for the checks of calculus as well as parity.
std::vector<NormDesc> small_norms() {
  return {
      batch({4, 3, 2, 2}),
      batch({6, 1, 3, 1}),
      batch({6, 5, 1, 1}),
      batch({4, 4, 2, 3}, 2),
      other(NormKind::kLayer, {2, 3, 2, 2}),
      other(NormKind::kLayer, {3, 7, 1, 1}),
      other(NormKind::kInstance, {2, 3, 3, 2}),
      other(NormKind::kGroup, {2, 6, 2, 2}, 3),
      other(NormKind::kGroup, {2, 8, 1, 1}, 2),
  };
}

// Rows of one pixel and of several, one chunk per segment and several, more segments than slabs.
std::vector<NormDesc> large_norms() {
  return {
      batch({8, 64, 16, 16}),
      batch({8, 512, 4, 4}, 2),
      batch({64, 200, 1, 1}),
      batch({16, 3, 32, 32}),
      batch({16, 1, 28, 28}),
      batch({4, 128, 32, 32}, 2),
      batch({3, 17, 37, 37}),
      other(NormKind::kLayer, {40, 100, 1, 1}),
      other(NormKind::kLayer, {2, 64, 48, 48}),
      other(NormKind::kInstance, {2, 3, 61, 67}),
      other(NormKind::kInstance, {36, 16, 8, 8}),
      other(NormKind::kInstance, {2, 32, 64, 64}),
      other(NormKind::kGroup, {4, 48, 9, 9}, 8),
  };
}

std::vector<NormDesc> all_norms() {
  std::vector<NormDesc> all = small_norms();
  for (const NormDesc& d : large_norms()) all.push_back(d);
  return all;
}

std::vector<Activation> activations() {
  return {{}, {ActivationKind::kReLU, 0}, {ActivationKind::kLeakyReLU, 0.2f}};
}

// Arguments of one norm.
struct Inputs {
  Shape x, c, stats;
  Vec x_values, dy, ux, gamma, beta, mean, rstd;

  explicit Inputs(const NormDesc& d) : x(d.x), c(vector_shape(d.x.c)), stats(norm_stats_shape(d)) {
    Sampler sample(21);
    x_values = sample.normal(x, 0.5, 2);
    dy = sample.normal(x, 0.3);  // off zero: sums over x do not cancel
    ux = sample.normal(x, 0.3);
    gamma = sample.normal(c, 1, 0.2);
    beta = sample.normal(c);
    const auto forward = run(reference_backend(), untracked(d), forward_args(d, false));
    mean = rounded(forward[1]);
    rstd = rounded(forward[2]);
  }

  static Maker untracked(NormDesc d) {
    d.track = false;
    return [d](Kernels& k) { return k.norm(d, NormPass::kForward); };
  }
  std::vector<Arg> forward_args(const NormDesc& d, bool track) const {
    std::vector<Arg> args = {out(x), out(stats), out(stats)};
    if (track && d.kind == NormKind::kBatch) {
      args.push_back(inout(c, Sampler(22).normal(c)));
      args.push_back(inout(c, Sampler(23).uniform(c, 0.5, 2)));
    }
    for (const Arg& arg : {in(x, x_values), in(c, gamma), in(c, beta)}) args.push_back(arg);
    return args;
  }
  std::vector<Arg> with_statistics(std::vector<Arg> args) const {
    for (const Arg& arg : {in(c, gamma), in(c, beta), in(stats, mean), in(stats, rstd)})
      args.push_back(arg);
    return args;
  }
};

std::string name_of(const NormDesc& d) {
  return concat("kind ", static_cast<int>(d.kind), " ", to_string(d.x), " ", d.batch_groups, "/",
                d.channel_groups, " ", activation_name(d.activation.kind));
}

OpCase norm_case(const NormDesc& d, NormPass pass, const char* op, std::vector<Arg> args) {
  return {op, name_of(d), [=](Kernels& k) { return k.norm(d, pass); }, std::move(args), {}};
}

OpCase backward_case(NormDesc d, const Inputs& i, bool accumulate) {
  d.accumulate = accumulate;
  std::vector<Arg> args = {out(i.x), out(i.c), out(i.c)};
  if (accumulate)
    args = {out(i.x), inout(i.c, Sampler(24).normal(i.c)), inout(i.c, Sampler(25).normal(i.c))};
  args.push_back(in(i.x, i.x_values));
  args.push_back(in(i.x, i.dy));
  OpCase test = norm_case(d, NormPass::kBackward, "norm.backward", i.with_statistics(args));
  test.in_place = {{0, 4}};
  return test;
}

OpCase backward_data_case(const NormDesc& d, const Inputs& i) {
  OpCase test = norm_case(d, NormPass::kBackwardData, "norm.backward",
                          i.with_statistics({out(i.x), in(i.x, i.x_values), in(i.x, i.dy)}));
  test.in_place = {{0, 2}};
  return test;
}

OpCase double_backward_case(const NormDesc& d, const Inputs& i) {
  return norm_case(d, NormPass::kDoubleBackward, "norm.double_backward",
                   i.with_statistics({out(i.x), out(i.x), inout(i.c, Sampler(26).normal(i.c)),
                                      in(i.x, i.x_values), in(i.x, i.dy), in(i.x, i.ux)}));
}

template <typename Check>
void for_each_norm(const Check& check) {
  for (NormDesc d : all_norms())
    for (const Activation& activation : activations()) {
      if (d.x.elements() > 4096 && activation.kind == ActivationKind::kReLU) continue;
      d.activation = activation;
      check(d, Inputs(d));
    }
}

TEST(NormLadder, ForwardIsTheReference) {
  for_each_norm([](NormDesc d, const Inputs& i) {
    check_parity(norm_case(d, NormPass::kForward, "norm.forward", i.forward_args(d, true)));
    d.track = false;
    check_parity(norm_case(d, NormPass::kForward, "norm.forward", i.forward_args(d, false)));
  });
}

TEST(NormLadder, RunningStatisticsOfBothFrameworks) {
  NormDesc d = batch({6, 5, 3, 2}, 3);
  d.momentum = 0.3f;
  for (const bool unbiased : {true, false}) {
    d.unbiased = unbiased;
    check_parity(norm_case(d, NormPass::kForward, "norm.forward", Inputs(d).forward_args(d, true)));
  }
}

TEST(NormLadder, InferenceIsTheReference) {
  for (NormDesc d : {batch({4, 3, 2, 2}), batch({8, 64, 16, 16}, 2), batch({64, 200, 1, 1})})
    for (const Activation& activation : activations()) {
      d.activation = activation;
      const Inputs i(d);
      check_parity(
          norm_case(d, NormPass::kInference, "norm.inference",
                    {out(i.x), in(i.x, i.x_values), in(i.c, i.gamma), in(i.c, i.beta),
                     in(i.c, Sampler(27).normal(i.c)), in(i.c, Sampler(28).uniform(i.c, 0.5, 2))}));
    }
}

TEST(NormLadder, BackwardIsTheReference) {
  for_each_norm([](const NormDesc& d, const Inputs& i) {
    check_parity(backward_case(d, i, false));
    check_parity(backward_case(d, i, true));
    check_parity(backward_data_case(d, i));
  });
}

TEST(NormLadder, AccumulateAdds) {
  for (const NormDesc& d : small_norms()) {
    const Inputs i(d);
    check_accumulate(backward_case(d, i, false), backward_case(d, i, true));
  }
}

TEST(NormLadder, DoubleBackwardIsTheReference) {
  for_each_norm(
      [](const NormDesc& d, const Inputs& i) { check_parity(double_backward_case(d, i)); });
}

// On the reference: x, gamma, beta -> y.
Differentiable differentiable(NormDesc d) {
  d.track = false;
  const Inputs i(d);
  Differentiable op;
  op.name = name_of(d);
  op.at = {i.x_values, i.gamma, i.beta};
  op.output_size = i.x_values.size();
  const auto forward = [=](const std::vector<Vec>& at) {
    return run(
        reference_backend(), Inputs::untracked(d),
        {out(i.x), out(i.stats), out(i.stats), in(i.x, at[0]), in(i.c, at[1]), in(i.c, at[2])});
  };
  const auto with = [=](const std::vector<Vec>& at, std::vector<Arg> args) {
    const auto y = forward(at);
    for (const Arg& arg : {in(i.c, at[1]), in(i.c, at[2]), in(i.stats, y[1]), in(i.stats, y[2])})
      args.push_back(arg);
    return args;
  };
  op.forward = [=](const std::vector<Vec>& at) { return forward(at)[0]; };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    return run(
        reference_backend(), [&](Kernels& k) { return k.norm(d, NormPass::kBackward); },
        with(at, {out(i.x), out(i.c), out(i.c), in(i.x, at[0]), in(i.x, dy)}));
  };
  op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& ux) {
    std::vector<Vec> result = run(
        reference_backend(), [&](Kernels& k) { return k.norm(d, NormPass::kDoubleBackward); },
        with(at, {out(i.x), out(i.x), inout(i.c, Vec(at[1].size())), in(i.x, at[0]), in(i.x, dy),
                  in(i.x, ux)}));
    result.push_back({});  // B does not depend on beta
    return result;
  };
  return op;
}

TEST(NormLadder, Calculus) {
  for (NormDesc d : small_norms()) {
    check_calculus(differentiable(d));
    d.activation = {ActivationKind::kLeakyReLU, 0.2f};
    check_calculus(differentiable(d));
  }
}

}  // namespace
}  // namespace gantry::ladder
