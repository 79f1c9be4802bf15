// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

const RandomKey kKey = random_key(2024, Purpose::kSynthetic, 3);

std::vector<Shape> shapes() {
  return {{1, 1, 1, 1}, {3, 17, 1, 1}, {2, 3, 5, 7}, {5, 64, 4, 4}, {2, 3, 32, 32}};
}

TEST(ElementwiseLadder, SumIsTheReference) {
  const std::vector<std::vector<float>> scales = {
      {}, {1}, {-0.5f}, {1, 1}, {0.25f, -3}, {1, 2, -1}, {0.5f, 1, 1, -2, 4}};
  for (const Shape& y : shapes()) {
    for (const std::vector<float>& scale : scales) {
      for (const bool accumulate : {false, true}) {
        Sampler sample(41);
        OpCase test{"sum",
                    concat(to_string(y), " of ", scale.size()),
                    [=](Kernels& k) {
                      return k.sum({y, scale, accumulate, scale.size() < 2 ? 8.0f : 0.0f});
                    },
                    {accumulate ? inout(y, sample.normal(y)) : out(y)},
                    {}};
        for (size_t i = 0; i < scale.size(); ++i) test.args.push_back(in(y, sample.normal(y)));
        if (!accumulate && !scale.empty()) test.in_place = {{0, 1}};
        test.args = all_narrow(test.args);
        check_parity(test);
      }
    }
  }
}

TEST(ElementwiseLadder, DropoutIsTheReference) {
  for (const Shape& x : shapes()) {
    for (const float rate : {0.0f, 0.25f, 0.5f, 0.9f}) {
      const DropoutDesc d{x, rate, kKey, 11};
      check_parity({"dropout",
                    concat(to_string(x), " rate ", rate),
                    [=](Kernels& k) { return k.dropout(d); },
                    all_narrow({out(x), in(x, Sampler(42).off_zero(x)), counter(5'000'000'000)}),
                    {{0, 1}}});
    }
  }
}

TEST(ElementwiseLadder, RandomIsTheReference) {
  using Kind = RandomDesc::Kind;
  for (const Shape& y : shapes()) {
    for (const RandomDesc& base : {RandomDesc{Kind::kNormal, y, 0, 1, kKey, 0},
                                   RandomDesc{Kind::kNormal, y, -2, 0.5f, kKey, 7},
                                   RandomDesc{Kind::kUniform, y, 0, 1, kKey, 0},
                                   RandomDesc{Kind::kUniform, y, -1, 1, kKey, 9},
                                   RandomDesc{Kind::kBernoulli, y, 0.3f, 0, kKey, 1},
                                   RandomDesc{Kind::kCategorical, y, 10, 0, kKey, 1}}) {
      for (const int64_t step : {int64_t{0}, int64_t{3}, int64_t{5'000'000'000}})
        check_parity({"random",
                      concat(to_string(y), " kind ", static_cast<int>(base.kind)),
                      [=](Kernels& k) { return k.random(base); },
                      {out(y), counter(step)},
                      {}});
    }
  }
}

// Normals go through log, sin and cos, which devices round differently in the last bit.
TEST(ElementwiseLadder, DrawsHaveTheBitsOfTheCpu) {
  using Kind = RandomDesc::Kind;
  const Shape y{3, 5, 7, 3};
  TestBackend cpu{open_backend(BackendChoice::kCpu, 1), nullptr};
  cpu.stream = cpu.backend.device->make_stream();
  const std::vector<std::pair<Maker, std::vector<Arg>>> cases = {
      {[=](Kernels& k) {
         return k.random({Kind::kUniform, y, -0.7f, 1.9f, kKey, 9});
       },
       {out(y), counter(3)}},
      {[=](Kernels& k) {
         return k.random({Kind::kBernoulli, y, 0.3f, 0, kKey, 9});
       },
       {out(y), counter(3)}},
      {[=](Kernels& k) {
         return k.random({Kind::kCategorical, y, 10, 0, kKey, 9});
       },
       {out(y), counter(3)}},
      {[=](Kernels& k) {
         return k.dropout({y, 0.3f, kKey, 9});
       },
       {out(y), in(y, Sampler(46).normal(y)), counter(3)}},
      {[=](Kernels& k) {
         return k.target({64, 0.9f, 0.1f, 0.2f, 0.3f, kKey, 5});
       },
       {out({64, 1, 1, 1}), counter(3)}},
  };
  for (const auto& [make, args] : cases) {
    const std::vector<Vec> want = run(cpu, make, args);
    for (TestBackend& on : tested_backends()) EXPECT_EQ(run(on, make, args), want);
  }
}

TEST(ElementwiseLadder, DrawsDoNotDependOnTheSplitOfTheBatch) {
  const Shape x{6, 5, 3, 1};
  for (TestBackend& on : tested_backends()) {
    for (const RandomDesc::Kind kind :
         {RandomDesc::Kind::kNormal, RandomDesc::Kind::kUniform, RandomDesc::Kind::kCategorical}) {
      const auto draw = [&](int64_t first, int64_t count) {
        const RandomDesc d{kind, x.with_n(count), 3, 5, kKey, static_cast<uint32_t>(first)};
        return run(on, [=](Kernels& k) { return k.random(d); }, {out(d.y), counter(2)})[0];
      };
      Vec parts = draw(10, 2);
      for (const double value : draw(12, 4)) parts.push_back(value);
      EXPECT_EQ(parts, draw(10, 6));
    }
  }
}

TEST(ElementwiseLadder, InstanceNoiseIsTheReference) {
  for (const Shape& x : shapes()) {
    for (const int64_t until : {int64_t{0}, int64_t{100}}) {
      for (const int64_t step : {int64_t{0}, int64_t{30}, int64_t{100}, int64_t{500}}) {
        const InstanceNoiseDesc d{x, 0.3f, until, kKey, 4};
        check_parity({"instance_noise",
                      concat(to_string(x), " step ", step, " of ", until),
                      [=](Kernels& k) { return k.instance_noise(d); },
                      {out(x), in(x, Sampler(43).normal(x)), counter(step)},
                      {{0, 1}}});
      }
    }
  }
}

TEST(ElementwiseLadder, OneHotOfLabelsOutOfRangeIsZero) {
  check_parity({"one_hot",
                "with labels out of range",
                [](Kernels& k) {
                  return k.one_hot({6, 4});
                },
                {out({6, 4, 1, 1}), in({6, 1, 1, 1}, {0, 3, 2, 4, -1, 1})},
                {}});
}

TEST(ElementwiseLadder, OneHotAndTargetsAreTheReference) {
  for (const int64_t n : {int64_t{1}, int64_t{7}, int64_t{64}}) {
    for (const int64_t classes : {int64_t{1}, int64_t{10}, int64_t{33}}) {
      check_parity({"one_hot",
                    concat(n, " of ", classes),
                    [=](Kernels& k) {
                      return k.one_hot({n, classes});
                    },
                    {out({n, classes, 1, 1}), in({n, 1, 1, 1}, Sampler(44).categories(n, classes))},
                    {}});
    }
    for (const TargetDesc& d :
         {TargetDesc{n, 1, 0, 0, 0, kKey, 0}, TargetDesc{n, 0.7f, 0.5f, 0, 0, kKey, 3},
          TargetDesc{n, 0.9f, 0.1f, 0.2f, 0.3f, kKey, 5}}) {
      check_parity({"target",
                    concat(n, " flip ", d.flip),
                    [=](Kernels& k) { return k.target(d); },
                    {out({n, 1, 1, 1}), counter(9)},
                    {}});
    }
  }
}

TEST(ElementwiseLadder, CalculusOfDropout) {
  const Shape x{3, 4, 3, 2};
  const DropoutDesc d{x, 0.4f, kKey, 2};
  const auto apply = [=](const Vec& values) {
    return run(reference_backend(), [=](Kernels& k) { return k.dropout(d); },
               {out(x), in(x, values), counter(7)})[0];
  };
  Differentiable op;
  op.name = "dropout";
  op.at = {Sampler(45).normal(x)};
  op.output_size = static_cast<size_t>(x.elements());
  op.forward = [=](const std::vector<Vec>& at) { return apply(at[0]); };
  op.backward = [=](const std::vector<Vec>&, const Vec& dy) { return std::vector<Vec>{apply(dy)}; };
  op.double_backward = [=](const std::vector<Vec>&, const Vec&, const Vec& u) {
    return std::vector<Vec>{apply(u), {}};
  };
  check_calculus(op);
}

}  // namespace
}  // namespace gantry::ladder
