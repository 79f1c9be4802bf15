// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

struct Size {
  int64_t n, in, out;
};

std::vector<Size> sizes() {
  return {{1, 1, 1},      {2, 3, 4},      {1, 17, 5},  {5, 64, 17}, {7, 1, 64},
          {64, 100, 256}, {16, 784, 128}, {3, 257, 1}, {4, 6272, 1}};
}

Shape rows(int64_t n, int64_t features) { return {n, features, 1, 1}; }

OpCase dense_case(const Size& s, DensePass pass, bool bias, const Activation& activation,
                  bool accumulate) {
  Sampler sample(11);
  const DenseDesc d{s.n, s.in, s.out, bias, activation, accumulate};
  const Shape x = rows(s.n, s.in), w = rows(s.out, s.in), y = rows(s.n, s.out);
  OpCase test{"",
              concat(s.n, "x", s.in, " -> ", s.out, " ", activation_name(activation.kind)),
              [=](Kernels& k) { return k.dense(d, pass); },
              {},
              {}};
  if (pass == DensePass::kForward) {
    test.op = "dense.forward";
    test.args = all_narrow({out(y), in(x, sample.normal(x)), in(w, sample.normal(w, 0, 0.1))});
    if (bias) test.args.push_back(in(vector_shape(s.out), sample.normal(vector_shape(s.out))));
  } else if (pass == DensePass::kBackwardData) {
    test.op = "dense.backward_data";
    test.args = all_narrow({out(x), in(y, sample.normal(y)), in(w, sample.normal(w, 0, 0.1))});
  } else {
    test.op = "dense.backward_weights";
    test.args = {accumulate ? inout(w, sample.normal(w)) : out(w),
                 narrow(in(x, Sampler(12).normal(x))), narrow(in(y, Sampler(13).normal(y)))};
  }
  return test;
}

TEST(DenseLadder, ForwardIsTheReference) {
  for (const Size& s : sizes()) {
    check_parity(dense_case(s, DensePass::kForward, false, {}, false));
    check_parity(dense_case(s, DensePass::kForward, true, {ActivationKind::kTanh, 0}, false));
    check_parity(
        dense_case(s, DensePass::kForward, true, {ActivationKind::kLeakyReLU, 0.2f}, false));
  }
}

TEST(DenseLadder, EveryActivationFuses) {
  for (const Activation& activation :
       {Activation{ActivationKind::kReLU, 0}, Activation{ActivationKind::kSigmoid, 0},
        Activation{ActivationKind::kELU, 1}, Activation{ActivationKind::kSiLU, 0},
        Activation{ActivationKind::kSoftplus, 0}}) {
    check_parity(dense_case({5, 17, 9}, DensePass::kForward, true, activation, false));
    check_parity(dense_case({5, 17, 9}, DensePass::kForward, false, activation, false));
  }
}

TEST(DenseLadder, GradientsAreTheReference) {
  for (const Size& s : sizes()) {
    check_parity(dense_case(s, DensePass::kBackwardData, false, {}, false));
    const OpCase fresh = dense_case(s, DensePass::kBackwardWeights, false, {}, false);
    const OpCase added = dense_case(s, DensePass::kBackwardWeights, false, {}, true);
    check_parity(fresh);
    check_parity(added);
    check_accumulate(fresh, added);
  }
}

Vec dense(const DenseDesc& d, DensePass pass, const Shape& result, std::vector<Arg> inputs) {
  inputs.insert(inputs.begin(), out(result));
  return run(
      reference_backend(), [&](Kernels& k) { return k.dense(d, pass); }, inputs)[0];
}

TEST(DenseLadder, Calculus) {
  const DenseDesc d{3, 5, 4, true, {}, false};
  const DenseDesc linear{3, 5, 4, false, {}, false};
  const Shape x = rows(3, 5), w = rows(4, 5), y = rows(3, 4), b = vector_shape(4);
  Sampler sample(14);
  Differentiable op;
  op.name = "dense";
  op.at = {sample.normal(x), sample.normal(w), sample.normal(b)};
  op.output_size = 12;
  op.forward = [=](const std::vector<Vec>& at) {
    return dense(d, DensePass::kForward, y, {in(x, at[0]), in(w, at[1]), in(b, at[2])});
  };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    return std::vector<Vec>{dense(d, DensePass::kBackwardData, x, {in(y, dy), in(w, at[1])}),
                            dense(d, DensePass::kBackwardWeights, w, {in(x, at[0]), in(y, dy)}),
                            run(reference_backend(), [&](Kernels& k) { return k.bias_grad({y}); },
                                {out(b), in(y, dy)})[0]};
  };
  op.double_backward = [=](const std::vector<Vec>& at, const Vec& dy, const Vec& u) {
    return std::vector<Vec>{dense(linear, DensePass::kForward, y, {in(x, u), in(w, at[1])}),
                            {},
                            dense(d, DensePass::kBackwardWeights, w, {in(x, u), in(y, dy)}),
                            {}};
  };
  check_calculus(op);
}

TEST(BiasLadder, GradientIsTheReference) {
  for (const Shape& dy : {Shape{1, 1, 1, 1}, Shape{3, 17, 1, 1}, Shape{2, 64, 5, 7},
                          Shape{4, 3, 32, 32}, Shape{64, 1, 1, 1}}) {
    const auto bias_case = [&](bool accumulate) {
      const Shape db = vector_shape(dy.c);
      const BiasGradDesc d{dy, accumulate};
      return OpCase{"bias_grad",
                    to_string(dy),
                    [d](Kernels& k) { return k.bias_grad(d); },
                    {accumulate ? inout(db, Sampler(15).normal(db)) : out(db),
                     narrow(in(dy, Sampler(16).normal(dy)))},
                    {}};
    };
    check_parity(bias_case(false));
    check_parity(bias_case(true));
    check_accumulate(bias_case(false), bias_case(true));
  }
}

TEST(BiasLadder, AddIsTheReference) {
  for (const Shape& x :
       {Shape{1, 1, 1, 1}, Shape{3, 17, 1, 1}, Shape{2, 64, 5, 7}, Shape{2, 3, 16, 16}}) {
    Sampler sample(17);
    check_parity({"bias_add",
                  to_string(x),
                  [=](Kernels& k) { return k.bias_add({x}); },
                  {narrow(out(x)), narrow(in(x, sample.normal(x))),
                   in(vector_shape(x.c), sample.normal(vector_shape(x.c)))},
                  {{0, 1}}});
  }
}

}  // namespace
}  // namespace gantry::ladder
