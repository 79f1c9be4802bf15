// SPDX-License-Identifier: Apache-2.0
#include "models/initializer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace gantry {
namespace {

using InitializerKind = Initializer::Kind;

// 512 outputs of 64 inputs through 3 x 3: fan_in 576, fan_out 4608.
const Shape kWeight{512, 64, 3, 3};
constexpr double kIn = 576, kOut = 4608;

std::vector<float> draw(const Initializer& init, const Shape& shape = kWeight, uint64_t seed = 1,
                        uint32_t id = 2) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  initialize(init, shape, fans_of(shape), seed, id, values.data());
  return values;
}

struct Moments {
  double mean = 0, std = 0, max_abs = 0;
};

Moments moments(const std::vector<float>& values) {
  Moments m;
  for (const float x : values) m.mean += x;
  m.mean /= static_cast<double>(values.size());
  for (const float x : values) {
    m.std += (x - m.mean) * (x - m.mean);
    m.max_abs = std::max(m.max_abs, std::abs(static_cast<double>(x)));
  }
  m.std = std::sqrt(m.std / static_cast<double>(values.size()));
  return m;
}

Initializer of(InitializerKind kind) {
  Initializer init;
  init.kind = kind;
  return init;
}

// 294,912 draws: the standard error of the mean is std / 543, of the standard deviation std / 768.
void expect_uniform(const Initializer& init, double bound) {
  const Moments m = moments(draw(init));
  EXPECT_NEAR(m.mean, 0, bound * 0.006);
  EXPECT_NEAR(m.std, bound / std::sqrt(3.0), bound * 0.004);
  EXPECT_LE(m.max_abs, bound * (1 + 1e-6));
  EXPECT_GT(m.max_abs, bound * 0.999);
}

void expect_normal(const Initializer& init, double mean, double std) {
  const Moments m = moments(draw(init));
  EXPECT_NEAR(m.mean, mean, std * 0.01);
  EXPECT_NEAR(m.std, std, std * 0.007);
}

TEST(Initializer, UniformKindsHaveTheBoundsOfTheirDefinitions) {
  expect_uniform(of(InitializerKind::kGlorotUniform), std::sqrt(6 / (kIn + kOut)));
  expect_uniform(of(InitializerKind::kHeUniform), std::sqrt(6 / kIn));
  expect_uniform(of(InitializerKind::kLecunUniform), std::sqrt(3 / kIn));
  expect_uniform(of(InitializerKind::kPyTorch), 1 / std::sqrt(kIn));
  Initializer uniform = of(InitializerKind::kUniform);
  uniform.bound = 0.25;
  expect_uniform(uniform, 0.25);
  Initializer gained = of(InitializerKind::kGlorotUniform);
  gained.gain = 3;
  expect_uniform(gained, 3 * std::sqrt(6 / (kIn + kOut)));
}

TEST(Initializer, NormalKindsHaveTheDeviationsOfTheirDefinitions) {
  expect_normal(of(InitializerKind::kGlorotNormal), 0, std::sqrt(2 / (kIn + kOut)));
  expect_normal(of(InitializerKind::kHeNormal), 0, std::sqrt(2 / kIn));
  expect_normal(of(InitializerKind::kLecunNormal), 0, std::sqrt(1 / kIn));
  Initializer normal = of(InitializerKind::kNormal);
  normal.mean = 1;
  normal.std = 0.02;
  expect_normal(normal, 1, 0.02);
}

TEST(Initializer, TruncatedKindsEndAtTwoDeviations) {
  Initializer keras = of(InitializerKind::kHeNormal);
  keras.truncated = true;
  const double std = std::sqrt(2 / kIn);
  expect_normal(keras, 0, std);  // Keras widens the draw so that what remains has this deviation
  EXPECT_LE(moments(draw(keras)).max_abs, 2 * std / 0.8796256 * (1 + 1e-6));
  Initializer plain = of(InitializerKind::kTruncatedNormal);
  plain.std = 0.05;
  const Moments m = moments(draw(plain));
  EXPECT_LE(m.max_abs, 0.1 * (1 + 1e-6));
  EXPECT_GT(m.max_abs, 0.0999);
  EXPECT_NEAR(m.std, 0.05 * 0.8796256, 0.05 * 0.007);
}

TEST(Initializer, OrthogonalRowsOrColumns) {
  Initializer init = of(InitializerKind::kOrthogonal);
  init.gain = 2;
  for (const Shape& shape : {Shape{8, 6, 2, 2}, Shape{30, 4, 2, 1}}) {
    const std::vector<float> w = draw(init, shape);
    const int64_t rows = shape.n, columns = shape.per_sample();
    const bool wide = rows <= columns;
    for (int64_t a = 0; a < (wide ? rows : columns); ++a) {
      for (int64_t b = 0; b <= a; ++b) {
        double product = 0;
        for (int64_t i = 0; i < (wide ? columns : rows); ++i) {
          const int64_t at_a = wide ? a * columns + i : i * columns + a;
          const int64_t at_b = wide ? b * columns + i : i * columns + b;
          product += static_cast<double>(w[static_cast<size_t>(at_a)]) *
                     static_cast<double>(w[static_cast<size_t>(at_b)]);
        }
        EXPECT_NEAR(product, a == b ? 4 : 0, 1e-5);
      }
    }
  }
}

TEST(Initializer, ConstantsAreExact) {
  Initializer constant = of(InitializerKind::kConstant);
  constant.value = 0.1;
  EXPECT_EQ(draw(constant), std::vector<float>(294912, 0.1f));
  EXPECT_EQ(draw(of(InitializerKind::kOnes)), std::vector<float>(294912, 1.0f));
  EXPECT_EQ(draw(of(InitializerKind::kZeros)), std::vector<float>(294912, 0.0f));
}

TEST(Initializer, DrawsDependOnSeedAndIdAlone) {
  const Initializer init = of(InitializerKind::kNormal);
  const Shape shape{4, 3, 2, 2};
  EXPECT_EQ(draw(init, shape, 1, 2), draw(init, shape, 1, 2));
  EXPECT_NE(draw(init, shape, 1, 2), draw(init, shape, 1, 3));
  EXPECT_NE(draw(init, shape, 1, 2), draw(init, shape, 2, 2));
  // A larger tensor begins with the same numbers.
  const std::vector<float> small = draw(init, shape), large = draw(init, {8, 3, 2, 2});
  EXPECT_TRUE(std::equal(small.begin(), small.end(), large.begin()));
}

TEST(Initializer, FansAreThoseOfPyTorch) {
  EXPECT_EQ(576, fans_of(kWeight).in);
  EXPECT_EQ(4608, fans_of(kWeight).out);
  EXPECT_EQ(100, fans_of({128, 100, 1, 1}).in);
}

}  // namespace
}  // namespace gantry
