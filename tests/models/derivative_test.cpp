// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/network_cases.h"
#include "tests/models/network_rig.h"
#include "tests/models/worst_error.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

constexpr double kEps = 1e-6;

Vec moved(const Vec& at, const Vec& direction, double by) {
  Vec result = at;
  for (size_t i = 0; i < at.size(); ++i) result[i] += by * direction[i];
  return result;
}

Vecs moved(const Vecs& at, const Vecs& direction, double by) {
  Vecs result;
  for (size_t i = 0; i < at.size(); ++i) result.push_back(moved(at[i], direction[i], by));
  return result;
}

Vec slope(const Vec& above, const Vec& below) {
  Vec result(above.size());
  for (size_t i = 0; i < above.size(); ++i) result[i] = (above[i] - below[i]) / (2 * kEps);
  return result;
}

double loss(const Vecs& y, const Vecs& dy) {
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i) sum += dot(y[i], dy[i]);
  return sum;
}

double norm(const Vec& v) { return std::sqrt(dot(v, v)); }

Vec part(const Vec& flat, const ParamRange& range) {
  const auto first = flat.begin() + static_cast<std::ptrdiff_t>(range.first);
  return {first, first + static_cast<std::ptrdiff_t>(range.shape.elements())};
}

WorstError first_difference("network, first order"), tangent("network, tangent"),
    second_difference("network, second order");

class Derivatives : public ::testing::TestWithParam<NetworkCase> {
 protected:
  Derivatives() : rig_(reference(), GetParam().json, GetParam().inputs, 6, options()) {
    // Away from the initial zeros of biases and ones of scales.
    Vec params = rig_.params();
    const Vec noise = random_values(static_cast<int64_t>(params.size()), 5, 0.3);
    for (const ParamRange& range : rig_.store().params()) {
      for (int64_t i = 0; i < range.shape.elements(); ++i) {
        const auto at = static_cast<size_t>(range.first + i);
        params[at] += noise[at];
      }
    }
    rig_.set_params(params);
    x_ = rig_.random_inputs(11);
    dy_ = rig_.random_outputs(13);
    v_ = rig_.random_inputs(17);
    for (size_t i = 0; i < v_.size(); ++i) {
      if (GetParam().inputs[i].constant) v_[i].assign(v_[i].size(), 0.0);
    }
  }

  static ForwardOptions options() {
    ForwardOptions options;
    options.batch_groups = 2;
    options.sample_groups = {{3, 0}, {3, 0}};
    options.track = false;
    return options;
  }

  NetworkRig rig_;
  Vecs x_, dy_, v_;
};

TEST_P(Derivatives, BackwardIsTheSlopeOfForwardInEveryParameterTensor) {
  const auto at = rig_.first_order(x_, dy_);
  const Vec params = rig_.params();
  for (const ParamRange& range : rig_.store().params()) {
    Vec direction(params.size(), 0.0);
    const Vec noise = random_values(range.shape.elements(), 19);
    std::copy(noise.begin(), noise.end(), direction.begin() + range.first);
    rig_.set_params(moved(params, direction, kEps));
    const double above = loss(rig_.first_order(x_, dy_).y, dy_);
    rig_.set_params(moved(params, direction, -kEps));
    const double below = loss(rig_.first_order(x_, dy_).y, dy_);
    const double got = dot(at.dw, direction), want = (above - below) / (2 * kEps);
    EXPECT_LT(first_difference.see(std::abs(got - want) / std::max(1.0, std::abs(want))),
              kNetworkDifference)
        << range.name;
  }
}

TEST_P(Derivatives, BackwardIsTheSlopeOfForwardInTheInputs) {
  const auto at = rig_.first_order(x_, dy_);
  const double above = loss(rig_.first_order(moved(x_, v_, kEps), dy_).y, dy_);
  const double below = loss(rig_.first_order(moved(x_, v_, -kEps), dy_).y, dy_);
  const double want = (above - below) / (2 * kEps);
  EXPECT_LT(first_difference.see(std::abs(loss(at.dx, v_) - want) / std::max(1.0, std::abs(want))),
            kNetworkDifference);
}

TEST_P(Derivatives, DoubleBackwardIsTheSlopeOfBackwardAlongTheTangent) {
  const auto at = rig_.second_order(x_, dy_, v_);
  const auto first = rig_.first_order(x_, dy_);
  const auto above = rig_.first_order(moved(x_, v_, kEps), dy_);
  const auto below = rig_.first_order(moved(x_, v_, -kEps), dy_);
  for (size_t i = 0; i < x_.size(); ++i) EXPECT_EQ(at.dx[i], first.dx[i]);
  for (size_t i = 0; i < dy_.size(); ++i) {
    EXPECT_LT(tangent.see(relative_error(at.uy[i], slope(above.y[i], below.y[i]))),
              kNetworkDifference);
  }
  const Vec want = slope(above.dw, below.dw);
  // A tensor whose exact derivative is (almost) 0, such as a bias before batch norm, has only the
  // rounding of the difference quotient, which is that of the whole gradient.
  const double floor = 1e-3 * norm(want);
  for (const ParamRange& range : rig_.store().params()) {
    Vec got = part(at.dw, range), wanted = part(want, range);
    const double error = norm(moved(got, wanted, -1)) / std::max(norm(wanted), floor);
    EXPECT_LT(second_difference.see(error), kNetworkSecondDifference) << range.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Derivatives, ::testing::ValuesIn(network_cases()),
                         [](const auto& given) { return given.param.name; });

}  // namespace
}  // namespace gantry::testing
