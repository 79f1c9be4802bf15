// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

std::vector<Activation> activations() {
  return {{},
          {ActivationKind::kReLU, 0},
          {ActivationKind::kLeakyReLU, 0.2f},
          {ActivationKind::kTanh, 0},
          {ActivationKind::kSigmoid, 0},
          {ActivationKind::kELU, 1.3f},
          {ActivationKind::kSiLU, 0},
          {ActivationKind::kSoftplus, 0}};
}

std::vector<Shape> shapes() { return {{1, 1, 1, 1}, {3, 5, 1, 1}, {2, 3, 7, 5}, {3, 64, 16, 16}}; }

Vec forward(const ActivationDesc& d, const Vec& x) {
  return run(reference_backend(),
             [&](Kernels& k) { return k.activation(d, ActivationPass::kForward); },
             {out(d.x), in(d.x, x)})[0];
}

// What the kind saves: y or x.
Vec saved(const ActivationDesc& d, const Vec& x) {
  return saves_output(d.activation.kind) ? forward(d, x) : x;
}

OpCase pass_case(const ActivationDesc& d, ActivationPass pass, const char* name,
                 std::vector<Arg> args, std::vector<std::pair<size_t, size_t>> in_place) {
  return {concat("activation.", name),
          concat(activation_name(d.activation.kind), " ", to_string(d.x)),
          [=](Kernels& k) { return k.activation(d, pass); }, std::move(args), std::move(in_place)};
}

template <typename Check>
void for_each_activation(const Check& check) {
  for (const Shape& shape : shapes())
    for (const Activation& activation : activations()) check(ActivationDesc{shape, activation});
}

TEST(ActivationLadder, ForwardIsTheReference) {
  for_each_activation([](const ActivationDesc& d) {
    check_parity(pass_case(d, ActivationPass::kForward, "forward",
                           {out(d.x), in(d.x, Sampler(31).normal(d.x, 0, 3))}, {{0, 1}}));
  });
}

TEST(ActivationLadder, BackwardIsTheReference) {
  for_each_activation([](const ActivationDesc& d) {
    const Vec s = rounded(saved(d, Sampler(32).off_zero(d.x)));
    check_parity(pass_case(d, ActivationPass::kBackward, "backward",
                           {out(d.x), in(d.x, s), in(d.x, Sampler(33).normal(d.x))}, {{0, 2}}));
  });
}

TEST(ActivationLadder, DoubleBackwardIsTheReference) {
  for_each_activation([](const ActivationDesc& d) {
    const Vec s = rounded(saved(d, Sampler(34).off_zero(d.x)));
    const Arg dy = in(d.x, Sampler(35).normal(d.x)), ux = in(d.x, Sampler(36).normal(d.x));
    std::vector<Arg> args = {out(d.x), out(d.x), in(d.x, s), dy, ux};
    if (piecewise_linear(d.activation.kind)) args = {out(d.x), in(d.x, s), ux};
    check_parity(pass_case(d, ActivationPass::kDoubleBackward, "double_backward", args, {}));
  });
}

TEST(ActivationLadder, Calculus) {
  for (const Activation& activation : activations()) {
    const ActivationDesc d{{2, 3, 2, 2}, activation};
    const bool straight = piecewise_linear(activation.kind);
    Differentiable op;
    op.name = activation_name(activation.kind);
    op.at = {Sampler(37).off_zero(d.x)};
    op.output_size = 24;
    op.forward = [=](const std::vector<Vec>& at) { return forward(d, at[0]); };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      return run(reference_backend(),
                 [&](Kernels& k) { return k.activation(d, ActivationPass::kBackward); },
                 {out(d.x), in(d.x, saved(d, at[0])), in(d.x, dy)});
    };
    op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& ux) {
      const Arg s = in(d.x, saved(d, at[0]));
      std::vector<Arg> args = {out(d.x), out(d.x), s, in(d.x, dy), in(d.x, ux)};
      if (straight) args = {out(d.x), s, in(d.x, ux)};
      auto result = run(
          reference_backend(),
          [&](Kernels& k) { return k.activation(d, ActivationPass::kDoubleBackward); }, args);
      if (straight) result.push_back({});
      return result;
    };
    check_calculus(op);
  }
}

}  // namespace
}  // namespace gantry::ladder
