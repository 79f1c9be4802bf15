// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/models/network_cases.h"
#include "tests/models/network_rig.h"
#include "tests/models/worst_error.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

WorstError forward_error("network f32, forward"), backward_error("network f32, backward"),
    second_error("network f32, double backward");

class Parity : public ::testing::TestWithParam<NetworkCase> {};

Vecs rounded(Vecs values) {
  for (Vec& vec : values) {
    for (double& value : vec) value = static_cast<float>(value);
  }
  return values;
}

TEST_P(Parity, CpuAgreesWithTheDoublePrecisionReference) {
  const NetworkCase& c = GetParam();
  ForwardOptions options;
  options.batch_groups = 2;
  options.sample_groups = {{4, 0}, {4, 0}};
  NetworkRig exact(reference(), c.json, c.inputs, 8, options);
  NetworkRig tested(cpu(), c.json, c.inputs, 8, options);
  const Vecs x = rounded(exact.random_inputs(1)), dy = rounded(exact.random_outputs(2));
  const Vecs ux = rounded(exact.random_inputs(3));
  const auto want = exact.first_order(x, dy), got = tested.first_order(x, dy);
  for (size_t i = 0; i < dy.size(); ++i) {
    EXPECT_LT(forward_error.see(relative_error(got.y[i], want.y[i])), kNetworkForwardF32);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_LT(backward_error.see(relative_error(got.dx[i], want.dx[i])), kNetworkBackwardF32);
  }
  EXPECT_LT(backward_error.see(relative_error(got.dw, want.dw)), kNetworkBackwardF32);
  EXPECT_LT(relative_error(tested.states(), exact.states()), kNetworkForwardF32);
  const auto want_second = exact.second_order(x, dy, ux);
  const auto got_second = tested.second_order(x, dy, ux);
  EXPECT_LT(second_error.see(relative_error(got_second.dw, want_second.dw)),
            kNetworkSecondOrderF32);
}

INSTANTIATE_TEST_SUITE_P(Networks, Parity, ::testing::ValuesIn(network_cases()),
                         [](const auto& given) { return given.param.name; });

}  // namespace
}  // namespace gantry::testing
