// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>

#include "tests/models/network_rig.h"
#include "tests/models/random_network.h"

namespace gantry::testing {
namespace {

const std::vector<NamedShape> kImage{{"image", {1, 4, 6, 5}}};

// Norms, activations and a skip, all of which a pass over two groups must keep apart.
constexpr const char* kCritic = R"({"layers": [
    {"type": "conv", "channels": 4, "kernel": 3, "padding": 1}, {"type": "leaky_relu"},
    {"type": "dropout", "rate": 0.4, "name": "drop"},
    {"type": "conv", "channels": 4, "kernel": 3, "padding": 1, "bias": false},
    {"type": "batch_norm", "momentum": 0.3}, {"type": "relu", "name": "r"},
    {"type": "add", "inputs": ["r", "drop"]},
    {"type": "flatten"}, {"type": "dense", "units": 2}]})";

Vec half(const Vec& all, int which) {
  const auto middle = static_cast<std::ptrdiff_t>(all.size() / 2);
  return which == 0 ? Vec(all.begin(), all.begin() + middle) : Vec(all.begin() + middle, all.end());
}

Vec sum(const Vec& a, const Vec& b) {
  Vec result = a;
  for (size_t i = 0; i < a.size(); ++i) result[i] += b[i];
  return result;
}

TEST(Network, MergedActivationsChangeNothing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string json = random_network(seed);
    ForwardOptions options;
    options.track = false;
    NetworkRig merged(reference(), json, kImage, 3, options);
    NetworkRig apart(reference(), json, kImage, 3, options, false);
    ASSERT_LE(merged.network().nodes().size(), apart.network().nodes().size());
    const Vecs x = merged.random_inputs(1), dy = merged.random_outputs(2);
    const Vecs ux = merged.random_inputs(3);
    const auto a = merged.first_order(x, dy), b = apart.first_order(x, dy);
    EXPECT_LT(relative_error(a.y[0], b.y[0]), 1e-13) << json;
    EXPECT_LT(relative_error(a.dx[0], b.dx[0]), 1e-12) << json;
    EXPECT_LT(relative_error(a.dw, b.dw), 1e-12) << json;
    const auto c = merged.second_order(x, dy, ux), d = apart.second_order(x, dy, ux);
    EXPECT_LT(relative_error(c.uy[0], d.uy[0]), 1e-12) << json;
    EXPECT_LT(relative_error(c.dw, d.dw), 1e-12) << json;
  }
}

TEST(Network, ActivationIsMergedOnlyWhereNothingElseReadsTheLayer) {
  const auto nodes = [](const std::string& json) {
    NetworkRig rig(reference(), json, kImage, 2);
    return rig.network().nodes().size();
  };
  EXPECT_EQ(1u, nodes(R"({"layers": [{"type": "conv", "channels": 2, "kernel": 1},
                                     {"type": "tanh"}]})"));
  EXPECT_EQ(3u, nodes(R"({"layers": [{"type": "conv", "channels": 2, "kernel": 1, "name": "c"},
      {"type": "tanh", "name": "t"}, {"type": "add", "inputs": ["c", "t"]}]})"));
  EXPECT_EQ(2u, nodes(R"({"layers": [{"type": "conv", "channels": 2, "kernel": 1, "name": "c"},
      {"type": "tanh", "name": "t"}], "outputs": ["c", "t"]})"));
  EXPECT_EQ(2u, nodes(R"({"layers": [{"type": "conv", "channels": 2, "kernel": 1},
                                     {"type": "silu"}]})"));
  EXPECT_EQ(2u, nodes(R"({"layers": [{"type": "conv", "channels": 2, "kernel": 1},
                                     {"type": "relu"}, {"type": "relu"}]})"));
}

TEST(Network, GradientsAccumulateOnRequest) {
  for (const std::string& json : {std::string(kCritic), random_network(3), random_network(7)}) {
    ForwardOptions options;
    options.track = false;
    NetworkRig rig(reference(), json, kImage, 4, options);
    const Vecs x = rig.random_inputs(1), dy = rig.random_outputs(2);
    const Vec dw = rig.first_order(x, dy).dw;
    Vec before(dw.size(), 0.0);
    for (const ParamRange& range : rig.store().params()) {
      const Vec noise = random_values(range.shape.elements(), 3);
      std::copy(noise.begin(), noise.end(), before.begin() + range.first);
    }
    rig.set_grads(before);
    EXPECT_LT(relative_error(rig.first_order(x, dy, true).dw, sum(before, dw)), 1e-14);
    EXPECT_EQ(rig.first_order(x, dy).dw, dw);
  }
}

TEST(Network, OutputWithoutGradientCountsAsZero) {
  const std::string json = R"({"layers": [
      {"type": "conv", "channels": 2, "kernel": 1, "name": "a"},
      {"type": "conv", "channels": 2, "kernel": 1, "name": "b"}], "outputs": ["a", "b"]})";
  NetworkRig rig(reference(), json, kImage, 2);
  Vecs x = rig.random_inputs(1), dy = rig.random_outputs(2);
  const auto full = rig.first_order(x, dy);
  dy[1].assign(dy[1].size(), 0);
  const auto zeros = rig.first_order(x, dy);
  ASSERT_NE(full.dw, zeros.dw);
  // Stale gradients of b must not survive a backward in which nothing reaches it.
  Device& device = *reference().device;
  Program program;
  auto stream = device.make_stream();
  Tensor image(device, {2, 4, 6, 5}, DType::kF64), da(device, {2, 2, 6, 5}, DType::kF64);
  Tensor step(device, vector_shape(1), DType::kI64);
  device.copy_to_device(*stream, image.view().data, x[0].data(), image.bytes());
  device.copy_to_device(*stream, da.view().data, dy[0].data(), da.bytes());
  Recorder rec{program, *reference().kernels, program.external("step", step.view()), 7, 0};
  const ParamStore& store = rig.store();
  const Network& network = rig.network();
  NetworkPass pass = network.forward(rec, store, store.values(), store.state_values(),
                                     {program.external("image", image.view())}, {});
  network.backward(rec, store, pass, {program.external("da", da.view()), TensorRef{}}, {});
  rig.set_grads(Vec(zeros.dw.size(), 5.0));
  MemoryPlan plan = plan_memory(program);
  auto arena = std::make_shared<Memory>(device, plan.arena_bytes);
  Replay(std::move(program), std::move(plan), arena).run(*stream);
  for (const ParamRange& range : store.params()) {
    for (int64_t i = range.first; i < range.first + range.shape.elements(); ++i) {
      EXPECT_EQ(static_cast<double*>(store.grads().data)[i], zeros.dw[static_cast<size_t>(i)]);
    }
  }
}

TEST(Network, OnePassOverTwoGroupsIsTwoPasses) {
  ForwardOptions both_options;
  both_options.batch_groups = 2;
  both_options.sample_groups = {{4, 0}, {4, 0}};
  NetworkRig both(reference(), kCritic, kImage, 8, both_options);
  NetworkRig first(reference(), kCritic, kImage, 4);
  ForwardOptions second_options;
  second_options.pass_id = 1;
  NetworkRig second(reference(), kCritic, kImage, 4, second_options);
  const Vecs x = both.random_inputs(1), dy = both.random_outputs(2);

  const auto together = both.first_order(x, dy);
  const auto real = first.first_order({half(x[0], 0)}, {half(dy[0], 0)});
  second.set_states(first.states());
  const auto fake = second.first_order({half(x[0], 1)}, {half(dy[0], 1)});

  EXPECT_LT(relative_error(half(together.y[0], 0), real.y[0]), 1e-14);
  EXPECT_LT(relative_error(half(together.y[0], 1), fake.y[0]), 1e-14);
  EXPECT_LT(relative_error(half(together.dx[0], 1), fake.dx[0]), 1e-13);
  EXPECT_LT(relative_error(together.dw, sum(real.dw, fake.dw)), 1e-13);
  EXPECT_LT(relative_error(both.states(), second.states()), 1e-14);
}

TEST(Network, DropoutDrawsByStepPassAndSample) {
  const std::string json = R"({"layers": [{"type": "dropout", "rate": 0.5}]})";
  ForwardOptions options, other_pass;
  other_pass.pass_id = 1;
  NetworkRig rig(reference(), json, kImage, 4, options);
  NetworkRig other(reference(), json, kImage, 4, other_pass);
  const Vecs ones{Vec(480, 1.0)};
  const Vec mask = rig.first_order(ones, ones).y[0];
  EXPECT_EQ(mask, rig.first_order(ones, ones).dx[0]);
  EXPECT_EQ(mask, rig.second_order(ones, ones, ones).uy[0]);
  EXPECT_NE(mask, other.first_order(ones, ones).y[0]);
  EXPECT_NE(half(mask, 0), half(mask, 1));
  rig.set_step(1);
  EXPECT_NE(mask, rig.first_order(ones, ones).y[0]);
  EXPECT_EQ(ones, rig.inference(ones));
}

TEST(Network, InferenceUsesRunningStatisticsAndIsNotMovedByIt) {
  const std::string json = R"({"layers": [
      {"type": "batch_norm", "momentum": 1, "unbiased": false, "eps": 1e-12}]})";
  NetworkRig rig(reference(), json, kImage, 64);
  const Vecs x = rig.random_inputs(1), dy = rig.random_outputs(2);
  // With momentum 1 and the biased variance, inference normalises as training on the same batch.
  const Vec trained = rig.first_order(x, dy).y[0];
  const Vec states = rig.states();
  EXPECT_LT(relative_error(trained, rig.inference(x)[0]), 1e-9);
  EXPECT_EQ(states, rig.states());
}

TEST(Network, MixesSamplesWithBatchNormOnly) {
  const auto mixes = [](const char* layer) {
    const std::string json = concat(R"({"layers": [{"type": ")", layer, R"("}]})");
    return NetworkRig(reference(), json, kImage, 2).network().mixes_samples();
  };
  EXPECT_TRUE(mixes("batch_norm"));
  EXPECT_FALSE(mixes("layer_norm"));
  EXPECT_FALSE(mixes("instance_norm"));
}

TEST(Network, NamesAndLaysOutItsNumbers) {
  NetworkRig rig(reference(), R"({"layers": [
      {"type": "conv", "channels": 3, "kernel": [2, 1]},
      {"type": "batch_norm", "name": "bn"}, {"type": "relu"},
      {"type": "conv", "channels": 1, "kernel": 1, "bias": false, "spectral_norm": true},
      {"type": "instance_norm"}]})",
                 kImage, 2);
  std::vector<std::string> names;
  for (const ParamRange& range : rig.store().params()) {
    names.push_back(range.name);
    EXPECT_EQ(0, range.first % 16);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"conv1.weight", "conv1.bias", "bn.scale", "bn.shift",
                                             "conv2.weight"}));
  EXPECT_EQ(rig.store().params()[0].shape, (Shape{3, 4, 2, 1}));
  names.clear();
  for (const ParamRange& range : rig.store().states()) names.push_back(range.name);
  EXPECT_EQ(names, (std::vector<std::string>{"bn.running_mean", "bn.running_var", "conv2.weight_u",
                                             "instance_norm1.scale", "instance_norm1.shift"}));
  EXPECT_EQ(rig.network().outputs()[0].name, "instance_norm1");
}

TEST(Network, InitOfALayerGoesBeforeThatOfTheNetwork) {
  NetworkRig rig(reference(), R"({"init": {"weight": {"kind": "constant", "value": 2},
                                            "scale": {"kind": "constant", "value": 3}},
      "layers": [{"type": "conv", "channels": 1, "kernel": 1},
                 {"type": "batch_norm"},
                 {"type": "conv", "channels": 1, "kernel": 1,
                  "init": {"weight": {"kind": "constant", "value": 4}}}]})",
                 {{"image", {1, 1, 2, 2}}}, 2);
  const Vec params = rig.params();
  const auto at = [&](size_t range) {
    return params[static_cast<size_t>(rig.store().params()[range].first)];
  };
  EXPECT_EQ(2, at(0));
  EXPECT_LE(std::abs(at(1)), 1);  // conv1.bias, by PyTorch's default
  EXPECT_NE(0, at(1));
  EXPECT_EQ(3, at(2));
  EXPECT_EQ(0, at(3));
  EXPECT_EQ(4, at(4));
}

TEST(Network, ThousandLayersAreRecordedAndPlannedWithinASecond) {
  std::string json = R"({"layers": [{"type": "conv", "channels": 8, "kernel": 3, "padding": 1})";
  for (int i = 0; i < 333; ++i) {
    json += R"(, {"type": "conv", "channels": 8, "kernel": 3, "padding": 1}, {"type": "batch_norm"},
                {"type": "leaky_relu"})";
  }
  json += "]}";
  for (Backend* backend : {&reference(), &cpu()}) {
    const std::clock_t start = std::clock();  // processor time: other programs do not count
    NetworkRig rig(*backend, json, kImage, 2);
    Program program;
    Device& device = *backend->device;
    Tensor image(device, {2, 4, 6, 5}, backend->kernels->real());
    Tensor step(device, vector_shape(1), DType::kI64);
    Recorder rec{program, *backend->kernels, program.external("step", step.view()), 7, 0};
    const ParamStore& store = rig.store();
    NetworkPass pass = rig.network().forward(rec, store, store.values(), store.state_values(),
                                             {program.external("image", image.view())}, {});
    rig.network().backward(rec, store, pass, pass.outputs, {});
    const MemoryPlan plan = plan_memory(program);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_GT(program.calls().size(), 2000u);
    EXPECT_LT(seconds, 1) << backend->name;  // seen 0.17
    std::printf("1000 layers, %zu calls on %s: %.3f s\n", program.calls().size(),
                backend->name.c_str(), seconds);
  }
}

}  // namespace
}  // namespace gantry::testing
