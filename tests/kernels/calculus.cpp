// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/calculus.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/tolerances.h"

namespace gantry::ladder {
namespace {

constexpr double kStep = 1e-5;

double dot(const Vec& a, const Vec& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double norm(const Vec& a) { return std::sqrt(dot(a, a)); }

Vec random_like(const Vec& a, uint32_t seed) {
  return Sampler(seed).normal(vector_shape(static_cast<int64_t>(a.size())));
}

std::vector<Vec> moved(std::vector<Vec> at, size_t member, const Vec& v, double distance) {
  for (size_t i = 0; i < v.size(); ++i) at[member][i] += distance * v[i];
  return at;
}

// (f(a + eps v) - f(a - eps v)) / 2 eps for a vector-valued f.
template <typename F>
Vec central(const F& f, const std::vector<Vec>& at, size_t member, const Vec& v) {
  Vec high = f(moved(at, member, v, kStep));
  const Vec low = f(moved(at, member, v, -kStep));
  for (size_t i = 0; i < high.size(); ++i) high[i] = (high[i] - low[i]) / (2 * kStep);
  return high;
}

// |got - want| relative to the size that rounding acts on.
void expect_near(double got, double want, double size, double limit, const char* what) {
  note_error(concat("calculus: ", what), 0, std::fabs(got - want) / (size + 1e-3));
  EXPECT_LE(std::fabs(got - want), limit * (size + 1e-3)) << what << ": " << got << " for " << want;
}

void expect_near(const Vec& got, const Vec& want, double limit, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = 1e-3, error = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::fabs(want[i]));
    error = std::max(error, std::fabs(got[i] - want[i]));
  }
  note_error(concat("calculus: ", what), 0, error / largest);
  EXPECT_LE(error, limit * largest) << what;
}

}  // namespace

void check_gradients(const Differentiable& op) {
  SCOPED_TRACE(op.name);
  const Vec dy = random_like(Vec(op.output_size), 101);
  const std::vector<Vec> gradients = op.backward(op.at, dy);
  ASSERT_EQ(gradients.size(), op.at.size());
  for (size_t member = 0; member < op.at.size(); ++member) {
    SCOPED_TRACE(concat("argument ", member));
    ASSERT_EQ(gradients[member].size(), op.at[member].size());
    for (uint32_t seed = 0; seed < 3; ++seed) {
      const Vec v = random_like(op.at[member], 200 + seed);
      const Vec slope = central(op.forward, op.at, member, v);
      expect_near(dot(gradients[member], v), dot(dy, slope), norm(dy) * norm(slope),
                  kFiniteDifference, "gradient");
    }
  }
}

void check_tangent(const Differentiable& op) {
  SCOPED_TRACE(op.name);
  const Vec dy = random_like(Vec(op.output_size), 301), u = random_like(op.at[0], 302);
  const Vec uy = op.double_backward(op.at, dy, u)[0];
  const Vec dx = op.backward(op.at, dy)[0];
  expect_near(dot(uy, dy), dot(u, dx), norm(uy) * norm(dy), kAdjoint, "adjoint");
  expect_near(uy, central(op.forward, op.at, 0, u), kFiniteDifference, "tangent");
}

void check_double_backward(const Differentiable& op) {
  SCOPED_TRACE(op.name);
  const Vec dy = random_like(Vec(op.output_size), 401), u = random_like(op.at[0], 402);
  const std::vector<Vec> second = op.double_backward(op.at, dy, u);
  ASSERT_EQ(second.size(), 1 + op.at.size());
  const auto bilinear = [&](const std::vector<Vec>& at) {
    return Vec{dot(dy, op.double_backward(at, dy, u)[0])};
  };
  for (size_t member = 0; member < op.at.size(); ++member) {
    SCOPED_TRACE(concat("argument ", member));
    const Vec zero(op.at[member].size());
    const Vec& got = second[1 + member].empty() ? zero : second[1 + member];
    const auto gradient = [&](const std::vector<Vec>& at) { return op.backward(at, dy)[member]; };
    expect_near(got, central(gradient, op.at, 0, u), kSecondDifference, "dB, from gradients");
    const Vec v = random_like(op.at[member], 403);
    expect_near(dot(got, v), central(bilinear, op.at, member, v)[0], norm(got) * norm(v),
                kSecondDifference, "dB, from B");
  }
}

}  // namespace gantry::ladder
