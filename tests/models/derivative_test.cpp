// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "tests/models/network_rig.h"
#include "tests/models/random_network.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

constexpr double kEps = 1e-6;

struct Case {
  std::string name, json;
  std::vector<NamedShape> inputs;
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

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

// Prints the largest error over all cases, for the table of tolerances.
class Worst {
 public:
  explicit Worst(const char* what) : what_(what) {}
  ~Worst() {
    if (std::getenv("GANTRY_TOLERANCES")) std::printf("%s: seen %.1e\n", what_, worst_);
  }
  double see(double error) {
    worst_ = std::max(worst_, error);
    return error;
  }

 private:
  const char* what_;
  double worst_ = 0;
};
Worst first_difference("network, first order"), tangent("network, tangent"),
    second_difference("network, second order");

class Derivatives : public ::testing::TestWithParam<Case> {
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
  }

  static ForwardOptions options() {
    ForwardOptions options;
    options.batch_groups = 2;
    options.sample_groups = 2;
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
              kFiniteDifference)
        << range.name;
  }
}

TEST_P(Derivatives, BackwardIsTheSlopeOfForwardInTheInputs) {
  const auto at = rig_.first_order(x_, dy_);
  const double above = loss(rig_.first_order(moved(x_, v_, kEps), dy_).y, dy_);
  const double below = loss(rig_.first_order(moved(x_, v_, -kEps), dy_).y, dy_);
  const double want = (above - below) / (2 * kEps);
  EXPECT_LT(first_difference.see(std::abs(loss(at.dx, v_) - want) / std::max(1.0, std::abs(want))),
            kFiniteDifference);
}

TEST_P(Derivatives, DoubleBackwardIsTheSlopeOfBackwardAlongTheTangent) {
  const auto at = rig_.second_order(x_, dy_, v_);
  const auto first = rig_.first_order(x_, dy_);
  const auto above = rig_.first_order(moved(x_, v_, kEps), dy_);
  const auto below = rig_.first_order(moved(x_, v_, -kEps), dy_);
  for (size_t i = 0; i < x_.size(); ++i) EXPECT_EQ(at.dx[i], first.dx[i]);
  for (size_t i = 0; i < dy_.size(); ++i) {
    EXPECT_LT(tangent.see(relative_error(at.uy[i], slope(above.y[i], below.y[i]))),
              kFiniteDifference);
  }
  const Vec want = slope(above.dw, below.dw);
  // A tensor whose exact derivative is (almost) 0, such as a bias before batch norm, has only the
  // rounding of the difference quotient, which is that of the whole gradient.
  const double floor = 1e-3 * norm(want);
  for (const ParamRange& range : rig_.store().params()) {
    Vec got = part(at.dw, range), wanted = part(want, range);
    const double error = norm(moved(got, wanted, -1)) / std::max(norm(wanted), floor);
    EXPECT_LT(second_difference.see(error), kSecondDifference) << range.name;
  }
}

const std::vector<NamedShape> kImage{{"image", {1, 4, 6, 5}}};
const std::vector<NamedShape> kFeatures{{"latent", {1, 7, 1, 1}}};

std::string layers(const std::string& list) { return "{\"layers\": [" + list + "]}"; }

// A layer between two convolutions, so that what reaches it and leaves it depends on parameters.
Case between(const std::string& name, const std::string& layer) {
  return {name,
          layers(R"({"type": "conv", "channels": 4, "kernel": 3, "padding": 1},)" + layer +
                 R"(, {"type": "conv", "channels": 2, "kernel": [2, 1]},
                     {"type": "flatten"}, {"type": "dense", "units": 1})"),
          kImage};
}

Case dense_pair(const std::string& name, const std::string& layer) {
  return {name,
          layers(R"({"type": "dense", "units": 6},)" + layer +
                 R"(, {"type": "dense", "units": 3}, {"type": "tanh"},
                     {"type": "dense", "units": 1})"),
          kFeatures};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* type : {"relu", "tanh", "sigmoid", "elu", "silu", "softplus", "leaky_relu"}) {
    const std::string layer = concat(R"({"type": ")", type, R"("})");
    all.push_back(dense_pair(concat("dense_", type), layer));
    all.push_back(between(concat("conv_", type), layer));
    all.push_back(between(concat("batch_norm_", type), R"({"type": "batch_norm"},)" + layer));
    all.push_back(between(concat("standalone_", type), R"({"type": "upsample"},)" + layer));
    all.push_back(between(concat("conv_transpose_", type),
                          R"({"type": "conv_transpose", "channels": 3, "kernel": 2},)" + layer));
  }
  for (const char* type : {"batch_norm", "layer_norm", "instance_norm"}) {
    for (const char* affine : {"true", "false"}) {
      all.push_back(between(concat(type, "_affine_", affine),
                            concat(R"({"type": ")", type, R"(", "affine": )", affine, "}")));
    }
  }
  all.push_back(between("group_norm", R"({"type": "group_norm", "groups": 2})"));
  all.push_back(dense_pair("batch_norm_features", R"({"type": "batch_norm"})"));
  all.push_back(between("dropout", R"({"type": "dropout", "rate": 0.4})"));
  all.push_back(between("upsample", R"({"type": "upsample", "factor": 2})"));
  all.push_back(
      between("upsample_bilinear", R"({"type": "upsample", "factor": 3, "kind": "bilinear"})"));
  all.push_back(between("max_pool", R"({"type": "max_pool", "kernel": 2})"));
  all.push_back(between("max_pool_same", R"({"type": "max_pool", "kernel": 3, "stride": 2,
                                   "padding": "same"})"));
  all.push_back(between("average_pool", R"({"type": "average_pool", "kernel": 3, "stride": [2, 1],
                                            "padding": 1})"));
  all.push_back(between("global_max_pool", R"({"type": "global_max_pool"},
                                              {"type": "upsample", "factor": 2})"));
  all.push_back(between("global_average_pool", R"({"type": "global_average_pool"},
                                                  {"type": "upsample", "factor": 2})"));
  all.push_back(between("pad", R"({"type": "pad", "padding": [0, 1, 2, 1]})"));
  all.push_back(between("pad_reflect", R"({"type": "pad", "padding": 2, "kind": "reflect"})"));
  all.push_back(between("crop", R"({"type": "crop", "padding": [1, 2, 0, 1]})"));
  all.push_back(between("reshape", R"({"type": "reshape", "shape": [2, 10, 6]})"));
  all.push_back(between("conv_options", R"({"type": "conv", "channels": 6, "kernel": [3, 2],
      "stride": [2, 1], "padding": "same", "dilation": [1, 2], "groups": 2, "bias": false})"));
  all.push_back(between("conv_transpose_options", R"({"type": "conv_transpose", "channels": 6,
      "kernel": [3, 4], "stride": [2, 3], "padding": 1, "groups": 2, "output_padding": [1, 2]})"));
  all.push_back(between("conv_transpose_same", R"({"type": "conv_transpose", "channels": 3,
      "kernel": 3, "stride": 2, "padding": "same"}, {"type": "softplus"})"));
  all.push_back(between("conv_transpose_kernel_under_stride", R"({"type": "conv_transpose",
      "channels": 3, "kernel": 2, "stride": 3, "padding": "same"}, {"type": "tanh"})"));
  all.push_back(between("spectral_norm", R"({"type": "conv", "channels": 5, "kernel": 3,
      "padding": 1, "spectral_norm": true}, {"type": "tanh"}, {"type": "conv_transpose",
      "channels": 3, "kernel": 2, "spectral_norm": true})"));
  all.push_back({"residual", layers(R"(
      {"name": "stem", "type": "conv", "channels": 3, "kernel": 3, "padding": 1},
      {"type": "tanh", "name": "t"},
      {"type": "conv", "channels": 3, "kernel": 3, "padding": 1},
      {"type": "layer_norm"}, {"type": "silu"},
      {"type": "add", "inputs": ["silu1", "t"], "name": "sum"},
      {"type": "concat", "inputs": ["sum", "t", "image"], "name": "wide"},
      {"type": "sigmoid"},
      {"type": "flatten"}, {"type": "dense", "units": 1})"),
                 kImage});
  all.push_back({"same_input_twice", layers(R"(
      {"type": "dense", "units": 4, "name": "a"}, {"type": "tanh", "name": "t"},
      {"type": "add", "inputs": ["t", "t"], "name": "two"},
      {"type": "concat", "inputs": ["two", "t", "two"], "name": "c"},
      {"type": "dense", "units": 1})"),
                 kFeatures});
  all.push_back({"two_inputs_two_outputs",
                 R"({"layers": [
      {"type": "dense", "units": 5, "inputs": ["latent"], "name": "a"},
      {"type": "dense", "units": 5, "inputs": ["label"], "name": "b"},
      {"type": "add", "inputs": ["a", "b"], "name": "sum"},
      {"type": "softplus", "name": "trunk"},
      {"type": "dense", "units": 1, "inputs": ["trunk"], "name": "score"},
      {"type": "dense", "units": 3, "inputs": ["trunk"], "name": "class"}, {"type": "elu"}],
      "outputs": ["score", "elu1", "trunk"]})",
                 {{"latent", {1, 7, 1, 1}}, {"label", {1, 3, 1, 1}}}});
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    all.push_back({concat("random_", seed), random_network(seed), kImage});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Networks, Derivatives, ::testing::ValuesIn(cases()),
                         [](const auto& given) { return given.param.name; });

}  // namespace
}  // namespace gantry::testing
