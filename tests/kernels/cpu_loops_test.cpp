// SPDX-License-Identifier: Apache-2.0
// What the CPU's own loops promise beyond the values that the ladder checks.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/philox_lanes.h"
#include "kernels/cpu/vector_math.h"
#include "tests/kernels/op_case.h"

namespace gantry::ladder {
namespace {

TestBackend cpu(int threads) {
  Backend backend = open_backend(BackendChoice::kCpu, threads);
  auto stream = backend.device->make_stream();
  return {std::move(backend), std::move(stream)};
}

// Bit for bit the same with 1, 2 and 3 threads.
void check_threads(const char* name, const Maker& make, const std::vector<Arg>& args) {
  SCOPED_TRACE(name);
  TestBackend one = cpu(1);
  const std::vector<Vec> want = run(one, make, args);
  for (const int threads : {2, 3}) {
    TestBackend several = cpu(threads);
    EXPECT_EQ(run(several, make, args), want) << threads << " threads";
  }
}

TEST(CpuLoops, NormsDoNotDependOnTheThreadCount) {
  for (const NormKind kind : {NormKind::kBatch, NormKind::kLayer, NormKind::kInstance}) {
    NormDesc d;
    d.kind = kind;
    d.x = {6, 24, 40, 40};
    d.batch_groups = kind == NormKind::kBatch ? 2 : 1;
    d.track = false;
    const Shape c = vector_shape(24), s = norm_stats_shape(d);
    Sampler sample(91);
    const Arg x = in(d.x, sample.normal(d.x)), dy = in(d.x, sample.normal(d.x));
    const Arg gamma = in(c, sample.normal(c)), beta = in(c, sample.normal(c));
    const Arg mean = in(s, sample.normal(s, 0, 0.1)), rstd = in(s, sample.uniform(s, 0.8, 1.2));
    check_threads("forward", [d](Kernels& k) { return k.norm(d, NormPass::kForward); },
                  {out(d.x), out(s), out(s), x, gamma, beta});
    check_threads("backward", [d](Kernels& k) { return k.norm(d, NormPass::kBackward); },
                  {out(d.x), out(c), out(c), x, dy, gamma, beta, mean, rstd});
  }
}

TEST(CpuLoops, SumsDoNotDependOnTheThreadCount) {
  const Shape x{3, 7, 61, 67}, one = vector_shape(1);
  const Arg values = in(x, Sampler(92).normal(x)), targets = in(x, Sampler(93).uniform(x, 0, 1));
  const Arg flat = in(vector_shape(x.elements()), Sampler(92).normal(x));
  check_threads("loss",
                [x](Kernels& k) {
                  return k.loss({LossDesc::Kind::kBceLogits, x, x, 1}, true);
                },
                {out(one), out(one), out(x), values, targets});
  check_threads("reduce",
                [x](Kernels& k) {
                  return k.reduce({ReduceDesc::Kind::kSum, x, 1});
                },
                {out(one), values});
  check_threads("grad_norm",
                [x](Kernels& k) {
                  return k.grad_norm({x.elements(), 1});
                },
                {out(one), out(one), out(one), flat});
  const SpectralNormDesc d{60, 700, 2};
  const Shape w{60, 700, 1, 1};
  check_threads("spectral_norm",
                [d](Kernels& k) { return k.spectral_norm(d, SpectralNormPass::kForward); },
                {out(w), out(vector_shape(700)), out(one),
                 inout(vector_shape(60), Sampler(94).normal(vector_shape(60))),
                 in(w, Sampler(95).normal(w))});
}

// The shift of the running sums is a datum: however far out it lies, the variance keeps its digits.
TEST(CpuLoops, NormSurvivesAnOutlierInTheFirstRow) {
  TestBackend backend = cpu(2);
  NormDesc d;
  d.x = {64, 3, 8, 8};
  d.track = false;
  const Shape c = vector_shape(3), s = norm_stats_shape(d);
  Vec x = Sampler(96).normal(d.x, 1e4, 1);
  x[0] = -1e7;
  x[1] = 3e6;
  const std::vector<Arg> args = {
      out(d.x), out(s), out(s), in(d.x, rounded(x)), in(c, Vec(3, 1.0)), in(c, Vec(3, 0.0))};
  const Maker make = [d](Kernels& k) { return k.norm(d, NormPass::kForward); };
  const auto got = run(backend, make, args), want = run(reference_backend(), make, args);
  for (size_t i = 0; i < 3; ++i) {
    // Against the spread, as it is x - mean that counts, and the rounding of the mean itself to
    // f32. Measured 6.3e-8 (3.6e-5 of rounding at mean 1e4) and 6.1e-6; the second is the factor
    // 1 + 64 that norm_forward.cpp allows, times a few roundings of 2^-24.
    const double mean_error = std::fabs(got[1][i] - want[1][i]);
    EXPECT_LE(mean_error * want[2][i], 5e-7 + std::fabs(want[1][i] * want[2][i]) * 0x1p-24);
    EXPECT_NEAR(got[2][i] / want[2][i], 1, 1.5e-5) << "rstd " << i;
  }
}

TEST(CpuLoops, NormOfAConstantIsBeta) {
  TestBackend backend = cpu(2);
  for (const Shape& x : {Shape{8, 2, 9, 9}, Shape{64, 70, 1, 1}}) {
    NormDesc d;
    d.x = x;
    d.track = false;
    const Shape c = vector_shape(x.c), s = norm_stats_shape(d);
    const size_t channels = static_cast<size_t>(x.c), size = static_cast<size_t>(x.elements());
    const auto got = run(backend, [d](Kernels& k) { return k.norm(d, NormPass::kForward); },
                         {out(x), out(s), out(s), in(x, Vec(size, 1234.5)),
                          in(c, Vec(channels, 1.0)), in(c, Vec(channels, 0.25))});
    EXPECT_EQ(got[0], Vec(size, 0.25));
  }
}

TEST(CpuLoops, MaxPoolingReportsNaN) {
  TestBackend backend = cpu(1);
  PoolDesc d;
  d.x = {1, 1, 4, 2};
  d.y = {1, 1, 2, 1};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto got = run(backend, [d](Kernels& k) { return k.pool(d, PoolPass::kForward); },
                       {out(d.y), out(d.y, Kind::kIndex), in(d.x, {1, nan, 9, 2, 3, 5, 5, 4})});
  EXPECT_TRUE(std::isnan(got[0][0]));
  EXPECT_EQ(got[0][1], 5);
  EXPECT_EQ(got[1], (Vec{1, 5}));  // the first of two equal maxima
}

TEST(CpuLoops, SixteenBlocksAtATimeAreTheSameWords) {
  const RandomKey key = random_key(123456789, Purpose::kDropout, 4);
  const int64_t step = 0x1234567890;
  for (const uint32_t sample : {0u, 4294967295u})
    for (const int64_t quad : {int64_t{0}, int64_t{48}}) {
      uint32_t words[4 * cpu::kQuads];
      cpu::random_words(key, step, sample, quad, words);
      for (int64_t l = 0; l < cpu::kQuads; ++l) {
        const PhiloxBlock block =
            random_block(key, static_cast<uint64_t>(step), sample, static_cast<uint32_t>(quad + l));
        EXPECT_EQ(std::memcmp(block.v, words + 4 * l, sizeof(block.v)), 0) << sample << " " << l;
      }
    }
}

// Distance in units in the last place of the exact value, no smaller than the least normal number.
double ulps(float got, double exact) {
  const double least = 1.17549435e-38;
  const double unit = std::exp2(std::floor(std::log2(std::fmax(std::fabs(exact), least))) - 23);
  return std::fabs(static_cast<double>(got) - exact) / unit;
}

// Measured: exp 1.2, expm1 2.2, log1p 1.9, tanh 2.6.
template <typename Got, typename Exact>
void expect_ulps(const char* name, double low, double high, const Got& got, const Exact& exact) {
  double worst = 0;
  constexpr int kPoints = 200000;
  for (int i = 0; i <= kPoints; ++i) {
    const float x = static_cast<float>(low + (high - low) * i / kPoints);
    worst = std::fmax(worst, ulps(got(x), exact(static_cast<double>(x))));
  }
  EXPECT_LE(worst, 3) << name << " on [" << low << ", " << high << "]";
}

TEST(VectorMath, StaysWithinThreeUnits) {
  using cpu::VectorMath;
  const auto exact_exp = [](double x) { return std::exp(x); };
  const auto exact_expm1 = [](double x) { return std::expm1(x); };
  const auto exact_tanh = [](double x) { return std::tanh(x); };
  expect_ulps("exp", -87, 88.7, VectorMath::exp, exact_exp);
  expect_ulps("exp near 0", -1, 1, VectorMath::exp, exact_exp);
  expect_ulps("expm1", -30, 88, VectorMath::expm1, exact_expm1);
  expect_ulps("expm1 near 0", -1, 1, VectorMath::expm1, exact_expm1);
  expect_ulps("log1p", 0, 1, VectorMath::log1p, [](double x) { return std::log1p(x); });
  expect_ulps("tanh", -12, 12, VectorMath::tanh, exact_tanh);
  expect_ulps("tanh near 0", -1e-3, 1e-3, VectorMath::tanh, exact_tanh);
}

TEST(VectorMath, EndsOfTheRange) {
  using cpu::VectorMath;
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(VectorMath::exp(0), 1);
  EXPECT_EQ(VectorMath::exp(1e4f), infinity);
  EXPECT_EQ(VectorMath::exp(infinity), infinity);
  EXPECT_EQ(VectorMath::exp(-1e4f), 0);
  EXPECT_EQ(VectorMath::exp(-infinity), 0);
  EXPECT_EQ(VectorMath::expm1(-infinity), -1);
  EXPECT_EQ(VectorMath::tanh(infinity), 1);
  EXPECT_EQ(VectorMath::tanh(-1e4f), -1);
  EXPECT_EQ(VectorMath::log1p(0), 0);
  for (const auto f : {VectorMath::exp, VectorMath::expm1, VectorMath::log1p, VectorMath::tanh})
    EXPECT_TRUE(std::isnan(f(nan)));
}

}  // namespace
}  // namespace gantry::ladder
