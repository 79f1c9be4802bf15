// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/network_rig.h"
#include "tests/tolerances.h"

namespace gantry::testing {
namespace {

constexpr const char* kConv = R"({"layers": [
    {"type": "conv", "channels": 3, "kernel": 2, "bias": false, "spectral_norm": true}]})";
const std::vector<NamedShape> kInput{{"image", {1, 2, 3, 3}}};

// The closed form that the golden values below were made with.
Vec closed_form(int size, int64_t seed) {
  Vec values;
  for (int64_t i = 0; i < size; ++i) {
    values.push_back(static_cast<double>((i * 7919 + seed * 104729) % 1000) / 500.0 - 1);
  }
  return values;
}

Vec padded(Vec values, size_t size) {
  values.resize(size, 0.0);
  return values;
}

// torch.nn.utils.spectral_norm (PyTorch 2.15, float64) of Conv2d(2, 3, 2, bias=False), one training
// forward and backward: weight closed_form(24, 1), u closed_form(3, 2) normalised, input
// closed_form(36, 3), gradient of the output closed_form(24, 4), all in memory order n, h, w, c.
const Vec kY{-0.464581502941123, 0.808378007352098,  -0.188389629794307, 0.185675974067378,
             0.483832067393229,  -0.750134577723116, 0.259126803239888,  -0.718463119272584,
             0.523589855660917,  -0.565824537746474, -0.24166105933301,  0.763192907630551,
             1.00081080205498,   -0.726112350180705, -0.360879786772447, -0.192942743430093,
             -0.618112494739847, 1.78647787859178,   -0.488294118756299, 0.0873469319889303,
             0.414843289583789,  -0.206838846246514, 1.67055560542465,   -0.515703862843734};
const Vec kU{0.313580673143702, -0.273547282979709, -0.909306903858736};
const Vec kDw{0.057377052227215,  0.377255038655436,  -0.438780345294779, 0.434300947881515,
              0.0714668633053481, -0.715061763762577, -0.48609929983004,  -0.719424620149893,
              0.149596723438211,  0.362138728828512,  -0.386636780002642, 0.379108532135731,
              0.147922295036812,  -0.745942313069034, -0.334742215084789, -0.675403516442562,
              0.235280749965968,  0.33697257344517,   -0.333595529151714, 0.321299601075561,
              0.218247010580711,  -0.786467779436234, -0.172558936682963, -0.624070419951835};
const Vec kDx{-0.141417432970714,   -0.326740540731319,  0.251338702365875,  0.0151208903844473,
              0.108409635668079,    0.0575149314472564,  0.0228657366789203, -0.0789236717627251,
              0.345494815797124,    0.410772805993396,   -0.246063920218816, -0.0789965215808977,
              0.133303784471742,    0.216837483790701,   0.032197343075465,  0.333693145253165,
              -0.385452941064787,   -0.167490838206046,  -0.157799535832274, -0.358612336181825,
              0.251338702365874,    -0.0158584947934448, 0.124791738529639,  0.0584073417198706,
              -0.00811364849897175, -0.140882442118509,  0.34906445688758,   0.352383676728069,
              -0.211514893950467,   -0.0754268804904409, 0.118706502155411,  0.186750508885424,
              0.0357669841659218,   0.306283401165729,   -0.367286017657998, -0.164813607388204};

TEST(SpectralNorm, TrainingPassIsThatOfPyTorch) {
  NetworkRig rig(reference(), kConv, kInput, 2);
  rig.set_params(padded(closed_form(24, 1), 32));
  Vec u = closed_form(3, 2);
  const double length = std::sqrt(dot(u, u));
  for (double& value : u) value /= length;
  rig.set_states(padded(u, 16));
  const auto pass = rig.first_order({closed_form(36, 3)}, {closed_form(24, 4)});
  EXPECT_LT(relative_error(pass.y[0], kY), kNetworkGolden);
  EXPECT_LT(relative_error(pass.dx[0], kDx), kNetworkGolden);
  EXPECT_LT(relative_error(pass.dw, padded(kDw, 32)), kNetworkGolden);
  EXPECT_LT(relative_error(rig.states(), padded(kU, 16)), kNetworkGolden);
}

TEST(SpectralNorm, StartsCloseToTheLargestSingularValueAndStandsStillInInference) {
  NetworkRig rig(reference(), kConv, kInput, 2);
  const Vec u = rig.states();
  EXPECT_NEAR(dot(u, u), 1, 1e-6);
  const Vecs x = rig.random_inputs(1);
  const Vec untrained = rig.inference(x)[0];
  EXPECT_EQ(u, rig.states());
  for (int i = 0; i < 200; ++i) rig.first_order(x, rig.random_outputs(2));
  EXPECT_LT(relative_error(untrained, rig.inference(x)[0]), 1e-2);
}

TEST(SpectralNorm, NetworkSwitchCoversEveryWeight) {
  NetworkRig rig(reference(), R"({"spectral_norm": true, "layers": [
      {"type": "conv", "channels": 3, "kernel": 2}, {"type": "batch_norm"}, {"type": "flatten"},
      {"type": "dense", "units": 2}]})",
                 kInput, 2);
  std::vector<std::string> names;
  for (const ParamRange& range : rig.store().states()) names.push_back(range.name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv1.weight_u", "batch_norm1.running_mean",
                                             "batch_norm1.running_var", "dense1.weight_u"}));
}

}  // namespace
}  // namespace gantry::testing
