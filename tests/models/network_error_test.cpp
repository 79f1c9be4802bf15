// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "models/network.h"
#include "tests/models/json_reader.h"

namespace gantry::testing {
namespace {

struct Case {
  std::string name, layers;
  std::vector<std::string> message;  // parts of it
  std::string rest;                  // of the network's section
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class NetworkErrors : public ::testing::TestWithParam<Case> {};

TEST_P(NetworkErrors, NameThePlaceTheReasonAndTheRemedy) {
  const Case& c = GetParam();
  const std::vector<NamedShape> inputs{{"image", {1, 4, 6, 5}}};
  try {
    Network("g", "/generator", read_network(concat("{\"layers\": [", c.layers, "]", c.rest, "}")),
            inputs);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    for (const std::string& part : c.message) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << part << "\nis missing from\n"
          << error.what();
    }
  }
}

const Case kCases[] = {
    {"no_layers", "", {"/generator/layers", "is empty", "at least one layer"}, ""},
    {"duplicate_name",
     R"({"type": "relu", "name": "a"}, {"type": "tanh", "name": "a"})",
     {"/generator/layers/1 (tanh \"a\")", "also that of /generator/layers/0", "must differ"},
     ""},
    {"name_of_input",
     R"({"type": "relu", "name": "image"})",
     {"/generator/layers/0 (relu \"image\")", "an input of the network"},
     ""},
    {"given_name_taken_by_default",
     R"({"type": "relu", "name": "relu2"}, {"type": "relu"})",
     {"/generator/layers/1 (relu \"relu2\")", "layers/0"},
     ""},
    {"unknown_input",
     R"({"type": "relu", "inputs": ["imag"]})",
     {"/generator/layers/0 (relu \"relu1\")", "inputs/0 is \"imag\"", "\"image\" or \"relu1\"",
      "did you mean \"image\"?"},
     ""},
    {"cycle",
     R"({"type": "add", "name": "a", "inputs": ["image", "c"]}, {"type": "relu", "name": "b"},
        {"type": "tanh", "name": "c"})",
     {"/generator/layers/0 (add \"a\")", "\"a\" -> \"b\" -> \"c\" -> \"a\"", "cycles"},
     ""},
    {"reads_itself",
     R"({"type": "add", "name": "a", "inputs": ["image", "a"]})",
     {"/generator/layers/0", "\"a\" -> \"a\""},
     ""},
    {"unused_layer",
     R"({"type": "relu", "name": "a"}, {"type": "tanh", "name": "b", "inputs": ["image"]})",
     {"/generator/layers/0 (relu \"a\")", "no output of the network depends on it", "outputs"},
     ""},
    {"unknown_output",
     R"({"type": "relu", "name": "a"})",
     {"/generator/outputs/1", "\"b\"", "is not a layer", "\"a\""},
     R"(, "outputs": ["a", "b"])"},
    {"input_as_output",
     R"({"type": "relu", "name": "a"})",
     {"/generator/outputs/0", "\"image\" is not a layer"},
     R"(, "outputs": ["image"])"},
    {"output_twice",
     R"({"type": "relu", "name": "a"})",
     {"/generator/outputs/1", "listed twice"},
     R"(, "outputs": ["a", "a"])"},
    {"too_few_inputs",
     R"({"type": "add"})",
     {"/generator/layers/0 (add \"add1\")", "has 1 input, needs at least 2"},
     ""},
    {"too_many_inputs",
     R"({"type": "relu", "inputs": ["image", "image"]})",
     {"has 2 inputs, needs 1"},
     ""},
    {"dot_of_two_shapes",
     R"({"type": "flatten", "name": "flat"}, {"type": "dot", "inputs": ["flat", "image"]})",
     {"/generator/layers/1 (dot \"dot1\")", "cannot multiply [120,1,1] by [4,6,5]", "one shape"},
     ""},
    {"embedding_of_image",
     R"({"type": "embedding", "units": 3})",
     {"/generator/layers/0 (embedding \"embedding1\")", "embedding reads features", "[4,6,5]"},
     ""},
    {"dense_of_image",
     R"({"type": "dense", "units": 3})",
     {"/generator/layers/0 (dense \"dense1\")", "[4,6,5]", "flatten"},
     ""},
    {"minibatch_discrimination_of_image",
     R"({"type": "minibatch_discrimination"})",
     {"/generator/layers/0 (minibatch_discrimination", "[4,6,5]", "flatten"},
     ""},
    {"reshape",
     R"({"type": "reshape", "shape": [3, 7, 7]})",
     {"[3,7,7] has 147", "[4,6,5] has 120", "as many"},
     ""},
    {"reshape_rank",
     R"({"type": "reshape", "shape": [3, 7]})",
     {"/layers/0/shape", "must be [C,H,W] or [C]", "found [3, 7]"},
     ""},
    {"reshape_overflow",
     R"({"type": "reshape", "shape": [16777216, 16777216, 16777216]})",
     {"has 4.7", "[4,6,5] has 120"},
     ""},
    {"kernel_too_large",
     R"({"type": "relu"}, {"type": "conv", "channels": 2, "kernel": 7})",
     {"/generator/layers/1 (conv \"conv1\")", "7 pixels", "height is 6", "(input [4,6,5])"},
     ""},
    {"dilated_kernel_too_large",
     R"({"type": "conv", "channels": 2, "kernel": 3, "dilation": 3})",
     {"reaches over 7 pixels"},
     ""},
    {"groups",
     R"({"type": "conv", "channels": 6, "kernel": 1, "groups": 3})",
     {"groups 3 must divide", "4 input channels", "6 output channels"},
     ""},
    {"group_norm", R"({"type": "group_norm", "groups": 3})", {"groups 3", "4 channels"}, ""},
    {"group_norm_of_single_values",
     R"({"type": "global_average_pool"}, {"type": "group_norm", "groups": 4})",
     {"one value each", "fewer groups"},
     ""},
    {"instance_norm_of_pixel",
     R"({"type": "global_average_pool"}, {"type": "instance_norm"})",
     {"/generator/layers/1", "[4,1,1]", "one pixel", "layer_norm"},
     ""},
    {"transposed_padding",
     R"({"type": "conv_transpose", "channels": 1, "kernel": 1, "padding": 3})",
     {"padding 3 + 3", "leaves nothing of the height, 6"},
     ""},
    {"output_padding",
     R"({"type": "conv_transpose", "channels": 1, "kernel": 3, "stride": 2, "output_padding": 2})",
     {"output_padding [2,2]", "less than the stride [2,2]"},
     ""},
    {"output_padding_of_same",
     R"({"type": "conv_transpose", "channels": 1, "kernel": 3, "stride": 2, "output_padding": 1,
         "padding": "same"})",
     {"output_padding has no meaning with padding \"same\""},
     ""},
    {"pool_padding",
     R"({"type": "max_pool", "kernel": 2, "padding": 2})",
     {"padding 2 + 2", "less than the kernel 2"},
     ""},
    {"pool_too_large", R"({"type": "average_pool", "kernel": 6})", {"width is 5"}, ""},
    {"pad_reflect",
     R"({"type": "pad", "kind": "reflect", "padding": [0, 0, 5, 0]})",
     {"[0,0,5,0]", "[4,6,5]", "less than the height or width"},
     ""},
    {"pad_same", R"({"type": "pad", "padding": "same"})", {"must say how many pixels"}, ""},
    {"crop", R"({"type": "crop", "padding": 3})", {"[4,6,5]", "leaves nothing"}, ""},
    {"concat",
     R"({"type": "max_pool", "name": "half"}, {"type": "concat", "inputs": ["image", "half"]})",
     {"[4,6,5] and [4,3,2]", "heights and widths must agree"},
     ""},
    {"add",
     R"({"type": "conv", "channels": 3, "kernel": 1, "name": "c"},
        {"type": "add", "inputs": ["image", "c"]})",
     {"/generator/layers/1 (add \"add1\")", "[4,6,5] and [3,6,5]", "one shape"},
     ""},
    {"output_too_large",
     R"({"type": "upsample", "factor": 1024}, {"type": "upsample", "factor": 1024})",
     {"/generator/layers/1", "output would have", "more than 2.14748e+09", "make it smaller"},
     ""},
    {"init_of_absent_parameter",
     R"({"type": "conv", "channels": 2, "kernel": 1, "bias": false,
         "init": {"weight": {"kind": "ones"}, "bias": {"kind": "zeros"}}})",
     {"/generator/layers/0 (conv \"conv1\")", "init/bias is of no use", "the layer has weight"},
     ""},
    {"weight_too_large",
     R"({"type": "upsample", "factor": 1000}, {"type": "flatten"},
        {"type": "dense", "units": 1000000})",
     {"/generator/layers/2 (dense \"dense1\")", "weight would have"},
     ""},
};

INSTANTIATE_TEST_SUITE_P(All, NetworkErrors, ::testing::ValuesIn(kCases),
                         [](const auto& given) { return given.param.name; });

TEST(NetworkErrors, UnusedNetworkInput) {
  try {
    Network("d", "/discriminator", read_network(R"({"layers": [{"type": "relu"}]})"),
            {{"image", {1, 4, 6, 5}}, {"label", {1, 10, 1, 1}}});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "/discriminator/layers: nothing reads the network's input \"label\"; name it in "
                 "the \"inputs\" of a layer");
  }
}

}  // namespace
}  // namespace gantry::testing
