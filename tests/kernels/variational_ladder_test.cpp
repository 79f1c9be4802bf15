// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

struct VariationalRig {
  VariationalDesc d;

  Shape h() const { return {d.n, 2 * d.size, 1, 1}; }
  Shape z() const { return {d.n, d.size, 1, 1}; }
  Maker maker(VariationalPass pass) const {
    return [d = d, pass](Kernels& k) { return k.variational(d, pass); };
  }
  std::vector<Vec> forward(const Vec& at) const {
    return run(reference_backend(), maker(VariationalPass::kForward),
               {out(z()), out(vector_shape(1)), in(h(), at), counter(3)});
  }
};

VariationalDesc desc(int64_t n, int64_t size) {
  return {n, size, 0.7f, random_key(5, Purpose::kLatent, 9), 2};
}

TEST(VariationalLadder, SamplesAndDivergencesAreTheReference) {
  for (const VariationalDesc& d : {desc(1, 1), desc(3, 7), desc(5, 64), desc(16, 130)}) {
    const VariationalRig rig{d};
    const std::string name = concat(d.n, "x", d.size);
    const Arg h = in(rig.h(), Sampler(1).normal(rig.h(), 0, 1.5));
    check_parity({"variational.forward",
                  name,
                  rig.maker(VariationalPass::kForward),
                  {out(rig.z()), out(vector_shape(1)), h, counter(1234567890123)},
                  {}});
    check_parity({"variational.backward",
                  name,
                  rig.maker(VariationalPass::kBackward),
                  {out(rig.h()), h, in(rig.z(), Sampler(2).normal(rig.z())), counter(77)},
                  {}});
  }
}

// The op as a function with outputs z and scale kl.
TEST(VariationalLadder, GradientIsTheSlope) {
  const VariationalRig rig{desc(3, 5)};
  const double scale = static_cast<double>(rig.d.scale);
  Differentiable op;
  op.name = "variational";
  op.at = {Sampler(3).normal(rig.h())};
  op.output_size = 15;
  op.forward = [=](const std::vector<Vec>& at) { return rig.forward(at[0])[0]; };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    // Without the divergence, which the next case is about.
    VariationalRig free = rig;
    free.d.scale = 0;
    return run(reference_backend(), free.maker(VariationalPass::kBackward),
               {out(rig.h()), in(rig.h(), at[0]), in(rig.z(), dy), counter(3)});
  };
  check_gradients(op);
  op.name = "divergence";
  op.output_size = 1;
  op.forward = [=](const std::vector<Vec>& at) { return Vec{scale * rig.forward(at[0])[1][0]}; };
  op.backward = [=](const std::vector<Vec>& at, const Vec& dy) {
    Vec dh = run(reference_backend(), rig.maker(VariationalPass::kBackward),
                 {out(rig.h()), in(rig.h(), at[0]), in(rig.z(), Vec(15)), counter(3)})[0];
    for (double& value : dh) value *= dy[0];
    return std::vector<Vec>{dh};
  };
  check_gradients(op);
}

// The noise is what a normal RandomDesc of the same key draws: a batch may be cut anywhere.
TEST(VariationalLadder, TheNoiseIsTheStreamOfItsKey) {
  const VariationalRig rig{desc(4, 6)};
  const Vec z = rig.forward(Vec(48))[0];  // mean 0, variance 1
  RandomDesc random{.y = rig.z(), .key = rig.d.key, .first_sample = rig.d.first_sample};
  const Vec noise = run(reference_backend(), [=](Kernels& k) { return k.random(random); },
                        {out(rig.z()), counter(3)})[0];
  EXPECT_EQ(z, noise);
  EXPECT_EQ(rig.forward(Vec(48))[1][0], 0);  // and costs nothing
}

}  // namespace
}  // namespace gantry::ladder
