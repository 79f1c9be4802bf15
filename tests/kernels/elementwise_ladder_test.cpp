// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/kernels/calculus.h"

namespace gantry::ladder {
namespace {

const RandomKey kKey = random_key(5, Purpose::kLatent, 3);
constexpr int64_t kStep = 5'000'000'007;  // past 32 bits

std::vector<Shape> shapes() { return {{1, 1, 1, 1}, {3, 7, 1, 1}, {2, 3, 5, 5}, {4, 64, 16, 16}}; }

TEST(SumLadder, IsTheReference) {
  for (const Shape& y : shapes())
    for (const std::vector<float>& scale :
         {std::vector<float>{}, {1}, {-2.5f}, {1, 1}, {0.5f, -1, 3}})
      for (const bool accumulate : {false, true}) {
        const SumDesc d{y, scale, accumulate};
        OpCase test{"sum",
                    concat(to_string(y), " of ", scale.size()),
                    [=](Kernels& k) { return k.sum(d); },
                    {accumulate ? inout(y, Sampler(51).normal(y)) : out(y)},
                    {}};
        for (size_t i = 0; i < scale.size(); ++i)
          test.args.push_back(in(y, Sampler(52 + static_cast<uint32_t>(i)).normal(y)));
        if (!accumulate && !scale.empty()) test.in_place = {{0, 1}};
        check_parity(test);
      }
}

TEST(RandomLadder, IsTheReference) {
  using Kind = RandomDesc::Kind;
  const std::vector<std::pair<Kind, std::pair<float, float>>> kinds = {
      {Kind::kNormal, {0.5f, 2}},
      {Kind::kUniform, {-1, 1}},
      {Kind::kBernoulli, {0.3f, 0}},
      {Kind::kCategorical, {10, 0}}};
  for (const Shape& y : shapes())
    for (const auto& [kind, range] : kinds) {
      const RandomDesc d{kind, y, range.first, range.second, kKey, 77};
      check_parity({"random",
                    concat(static_cast<int>(kind), " ", to_string(y)),
                    [d](Kernels& k) { return k.random(d); },
                    {out(y), counter(kStep)},
                    {}});
    }
}

TEST(DropoutLadder, IsTheReference) {
  for (const Shape& x : shapes())
    for (const float rate : {0.0f, 0.3f, 0.5f}) {
      const DropoutDesc d{x, rate, kKey, 5};
      check_parity({"dropout",
                    concat(to_string(x), " ", rate),
                    [d](Kernels& k) { return k.dropout(d); },
                    {out(x), in(x, Sampler(55).normal(x)), counter(kStep)},
                    {{0, 1}}});
    }
}

TEST(TargetLadder, IsTheReference) {
  for (const float flip : {0.0f, 0.3f}) {
    const TargetDesc d{100, 0.9f, 0.05f, 0, flip, kKey, 11};
    check_parity({"target",
                  concat("flip ", flip),
                  [d](Kernels& k) { return k.target(d); },
                  {out({100, 1, 1, 1}), counter(kStep)},
                  {}});
  }
}

TEST(InstanceNoiseLadder, IsTheReference) {
  for (const Shape& x : shapes())
    for (const int64_t until : {int64_t{0}, int64_t{1000}}) {
      const InstanceNoiseDesc d{x, 0.1f, until, kKey, 2};
      for (const int64_t step : {0, 250, 1000, 5000})
        check_parity({"instance_noise",
                      concat(to_string(x), " step ", step, " of ", until),
                      [d](Kernels& k) { return k.instance_noise(d); },
                      {out(x), in(x, Sampler(56).normal(x)), counter(step)},
                      {{0, 1}}});
    }
}

TEST(OneHotLadder, IsTheReference) {
  const OneHotDesc d{6, 4};
  check_parity({"one_hot",
                "with labels out of range",
                [d](Kernels& k) { return k.one_hot(d); },
                {out({6, 4, 1, 1}), in({6, 1, 1, 1}, {0, 3, 2, 4, -1, 1})},
                {}});
}

}  // namespace
}  // namespace gantry::ladder
