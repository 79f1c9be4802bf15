// SPDX-License-Identifier: Apache-2.0
#include "tests/models/network_cases.h"

#include "tests/models/random_network.h"

namespace gantry::testing {

namespace {

const std::vector<NamedShape> kCaseImage{{"image", {1, 4, 6, 5}}};
const std::vector<NamedShape> kFeatures{{"latent", {1, 7, 1, 1}}};

std::string layers(const std::string& list) { return "{\"layers\": [" + list + "]}"; }

// A layer between two convolutions, so that what reaches it and leaves it depends on parameters.
NetworkCase between(const std::string& name, const std::string& layer) {
  return {name,
          layers(R"({"type": "conv", "channels": 4, "kernel": 3, "padding": 1},)" + layer +
                 R"(, {"type": "conv", "channels": 2, "kernel": [2, 1]},
                     {"type": "flatten"}, {"type": "dense", "units": 1})"),
          kCaseImage};
}

NetworkCase dense_pair(const std::string& name, const std::string& layer) {
  return {name,
          layers(R"({"type": "dense", "units": 6},)" + layer +
                 R"(, {"type": "dense", "units": 3}, {"type": "tanh"},
                     {"type": "dense", "units": 1})"),
          kFeatures};
}

}  // namespace

std::vector<NetworkCase> network_cases() {
  std::vector<NetworkCase> all;
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
  all.push_back(dense_pair("minibatch_discrimination", R"({"type": "minibatch_discrimination",
      "features": 4, "dimensions": 3})"));
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
                 kCaseImage});
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
  all.push_back({"projection",
                 layers(R"(
      {"type": "dense", "units": 5, "inputs": ["latent"]}, {"type": "tanh", "name": "features"},
      {"type": "dense", "units": 1, "name": "marginal"},
      {"type": "embedding", "units": 5, "inputs": ["label"], "name": "classes"},
      {"type": "dot", "inputs": ["features", "classes"], "name": "projection"},
      {"type": "add", "inputs": ["marginal", "projection"]})"),
                 {{"latent", {1, 7, 1, 1}}, {"label", {1, 3, 1, 1}}}});
  all.push_back({"dot_with_itself", layers(R"(
      {"type": "dense", "units": 5}, {"type": "softplus", "name": "a"},
      {"type": "dot", "inputs": ["a", "a"]})"),
                 kFeatures});
  all.push_back({"label_as_a_picture",
                 layers(R"(
      {"type": "embedding", "units": 30, "inputs": ["label"]},
      {"type": "reshape", "shape": [1, 6, 5], "name": "picture"},
      {"type": "concat", "inputs": ["image", "picture"]},
      {"type": "conv", "channels": 3, "kernel": 3}, {"type": "tanh"}, {"type": "flatten"},
      {"type": "dense", "units": 1})"),
                 {{"image", {1, 4, 6, 5}}, {"label", {1, 3, 1, 1}, true}}});
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    all.push_back({concat("random_", seed), random_network(seed), kCaseImage});
  }
  return all;
}

}  // namespace gantry::testing
