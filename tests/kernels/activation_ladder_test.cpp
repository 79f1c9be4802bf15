// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

std::vector<Activation> activations() {
  return {{},
          {ActivationKind::kReLU, 0},
          {ActivationKind::kLeakyReLU, 0.2f},
          {ActivationKind::kLeakyReLU, 0.01f},
          {ActivationKind::kTanh, 0},
          {ActivationKind::kSigmoid, 0},
          {ActivationKind::kELU, 1},
          {ActivationKind::kELU, 0.5f},
          {ActivationKind::kSiLU, 0},
          {ActivationKind::kSoftplus, 0}};
}

std::vector<Shape> activation_shapes() {
  return {{1, 1, 1, 1}, {1, 17, 1, 1}, {3, 5, 7, 3}, {4, 64, 9, 9}, {2, 3, 64, 64}};
}

Vec run_one(const ActivationDesc& d, ActivationPass pass, std::vector<Arg> args, size_t result) {
  return run(
      reference_backend(), [&](Kernels& k) { return k.activation(d, pass); }, args)[result];
}

// What the backward passes are given: y or x, as the kind keeps.
Vec kept(const ActivationDesc& d, const Vec& x) {
  if (!saves_output(d.activation.kind)) return x;
  return run_one(d, ActivationPass::kForward, {out(d.x), in(d.x, x)}, 0);
}

void check_passes(const ActivationDesc& d, const Vec& x, const std::string& row) {
  Sampler sample(21);
  const std::string name = concat(activation_name(d.activation.kind), " ", to_string(d.x));
  const auto make = [&](ActivationPass pass) -> Maker {
    return [d, pass](Kernels& k) { return k.activation(d, pass); };
  };
  const Arg s = in(d.x, rounded(kept(d, x)));
  const Arg dy = in(d.x, sample.uniform(d.x, -1, -0.5)), ux = in(d.x, sample.uniform(d.x, 0.5, 1));
  check_parity({row + "forward",
                name,
                make(ActivationPass::kForward),
                all_narrow({out(d.x), in(d.x, x)}),
                {{0, 1}}});
  check_parity({row + "backward",
                name,
                make(ActivationPass::kBackward),
                all_narrow({out(d.x), s, dy}),
                {{0, 2}}});
  std::vector<Arg> second = {out(d.x), out(d.x), s, dy, ux};
  if (piecewise_linear(d.activation.kind)) second = {out(d.x), s, ux};
  check_parity({row + "double_backward",
                name,
                make(ActivationPass::kDoubleBackward),
                all_narrow(second),
                {}});
}

TEST(ActivationLadder, PassesAreTheReference) {
  for (const Activation& activation : activations())
    for (const Shape& shape : activation_shapes())
      check_passes({shape, activation}, Sampler(22).normal(shape, 0, 2), "activation.");
}

// exp() of these leaves the range of f32 both ways.
TEST(ActivationLadder, FarFromZero) {
  const Vec far =
      rounded({-1e4, -200, -104, -89, -30, -17, -1e-6, 1e-6, 17, 30, 89, 104, 200, 1e4});
  for (const Activation& activation : activations())
    check_passes({{1, 14, 1, 1}, activation}, far, "activation.");
}

TEST(ActivationLadder, Calculus) {
  for (const Activation& activation : activations()) {
    const ActivationDesc d{{2, 3, 4, 2}, activation};
    const Shape shape = d.x;
    Differentiable op;
    op.name = activation_name(activation.kind);
    op.at = {Sampler(23).off_zero(shape)};
    op.output_size = static_cast<size_t>(shape.elements());
    op.forward = [=](const std::vector<Vec>& at) {
      return run_one(d, ActivationPass::kForward, {out(shape), in(shape, at[0])}, 0);
    };
    op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
      return std::vector<Vec>{run_one(d, ActivationPass::kBackward,
                                      {out(shape), in(shape, kept(d, at[0])), in(shape, dy)}, 0)};
    };
    op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& u) {
      const Arg s = in(shape, kept(d, at[0]));
      const Maker make = [=](Kernels& k) {
        return k.activation(d, ActivationPass::kDoubleBackward);
      };
      if (piecewise_linear(d.activation.kind))
        return std::vector<Vec>{run(reference_backend(), make, {out(shape), s, in(shape, u)})[0],
                                {}};
      return run(reference_backend(), make,
                 {out(shape), out(shape), s, in(shape, dy), in(shape, u)});
    };
    check_calculus(op);
  }
}

}  // namespace
}  // namespace gantry::ladder
