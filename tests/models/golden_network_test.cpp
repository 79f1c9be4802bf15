// SPDX-License-Identifier: Apache-2.0
// Whole small networks against PyTorch: tests/golden/networks.json, which
// tools/pytorch/golden_networks.py writes and explains.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/models/network_rig.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

using Json = nlohmann::json;

const Json& golden() {
  static const Json kGolden = [] {
    std::ifstream file(GANTRY_SOURCE_DIR "/tests/golden/networks.json");
    return Json::parse(file);
  }();
  return kGolden;
}

// value() of golden_networks.py.
double hashed(uint32_t index, uint32_t salt) {
  uint32_t h = (index + 1) * 2654435761u + salt * 2246822519u;
  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  return h / 2147483648.0 - 1.0;
}

Vec hashed_values(int64_t size, uint32_t salt) {
  Vec values;
  for (uint32_t i = 0; i < size; ++i) values.push_back(hashed(i, salt));
  return values;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Vec parameter(const std::string& name, int64_t size, uint32_t salt) {
  Vec values = hashed_values(size, salt);
  const bool scale = ends_with(name, "scale"), direction = ends_with(name, "weight_u");
  const double length = direction ? std::sqrt(dot(values, values)) : 1;
  for (double& value : values)
    value = scale ? 1 + 0.3 * value : direction ? value / length : 0.5 * value;
  return values;
}

// Replaces the ranges that the golden file numbers.
Vec filled(Vec flat, const std::vector<ParamRange>& ranges, const Json& salts) {
  for (const ParamRange& range : ranges) {
    if (!salts.contains(range.name)) continue;
    const Vec values = parameter(range.name, range.shape.elements(), salts[range.name]);
    std::copy(values.begin(), values.end(), flat.begin() + range.first);
  }
  return flat;
}

class GoldenNetwork : public ::testing::TestWithParam<size_t> {
 protected:
  const Json& entry() const { return golden().at(GetParam()); }

  int64_t elements_per_sample() const {
    int64_t product = 1;
    for (const int64_t size : entry()["shape"]) product *= size;
    return product;
  }

  NetworkRig rig(Backend& backend) const {
    const Json& shape = entry()["shape"];
    ForwardOptions options;
    options.batch_groups = entry()["batch_groups"];
    return {backend,
            entry()["network"].dump(),
            {{"x", {1, shape[0], shape[1], shape[2]}}},
            entry()["samples"],
            options};
  }

  // Every number that the network has is one that the file knows, and the other way round.
  static void expect_ranges(const std::vector<ParamRange>& ranges, const Vec& flat,
                            const Json& wanted, double tolerance, const char* what) {
    EXPECT_EQ(ranges.size(), wanted.size()) << what;
    for (const ParamRange& range : ranges) {
      const auto first = flat.begin() + range.first;
      const Vec part(first, first + range.shape.elements());
      const Vec want = wanted.at(range.name);
      // What cancels to nothing, as a bias before a batch norm, is compared by itself.
      const double error =
          dot(want, want) < 1e-20 ? std::sqrt(dot(part, part)) : relative_error(part, want);
      EXPECT_LT(error, tolerance) << what << ' ' << range.name;
    }
  }

  void expect_agreement(Backend& backend, double tolerance) const {
    NetworkRig net = rig(backend);
    const Json& salts = entry()["salts"];
    const int64_t n = entry()["samples"];
    const Vecs x = {hashed_values(n * elements_per_sample(), 1)};
    const auto outputs = static_cast<int64_t>(entry()["y"].size());
    const Vecs dy = {hashed_values(outputs, 2)};
    const Vecs ux = {hashed_values(n * elements_per_sample(), 3)};
    net.set_params(filled(net.params(), net.store().params(), salts));
    const Vec states = filled(net.states(), net.store().states(), salts);

    net.set_states(states);
    const auto first = net.first_order(x, dy);
    EXPECT_LT(relative_error(first.y[0], entry()["y"]), tolerance) << "y";
    EXPECT_LT(relative_error(first.dx[0], entry()["dx"]), tolerance) << "dx";
    expect_ranges(net.store().params(), first.dw, entry()["dw"], tolerance, "dw");
    expect_ranges(net.store().states(), net.states(), entry()["states"], tolerance, "state");

    net.set_states(states);
    const auto second = net.second_order(x, dy, ux);
    EXPECT_LT(relative_error(second.uy[0], entry()["uy"]), tolerance) << "uy";
    expect_ranges(net.store().params(), second.dw, entry()["second"], tolerance, "second dw");
  }
};

TEST_P(GoldenNetwork, ReferenceAgreesWithPyTorch) { expect_agreement(reference(), kNetworkGolden); }

INSTANTIATE_TEST_SUITE_P(All, GoldenNetwork, ::testing::Range(size_t{0}, golden().size()),
                         [](const auto& param) -> std::string {
                           return golden().at(param.param)["name"];
                         });

}  // namespace
}  // namespace gantry::testing
