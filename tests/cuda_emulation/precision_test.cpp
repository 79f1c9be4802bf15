// SPDX-License-Identifier: Apache-2.0
// Training in bf16 and fp16 on the CUDA backend's own kernels, against f32.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "tests/tolerances.h"
#include "tests/train/training_rig.h"
#include "tests/train/weights_of.h"

namespace gantry {
namespace {

constexpr int kPrecisionSteps = 5;  // the first unrecorded, the others launches of a graph

// Every layer that can be narrow and some that cannot, two readers of one output, a normalised
// weight, a padding that no library knows, and a penalty, whose gradient runs through all of D.
constexpr const char* kEveryLayer = R"({
  "name": "every-layer", "seed": 6, "threads": 1,
  "data": {"source": "glyphs", "samples": 16, "size": [8, 8]},
  "latent": {"size": 8},
  "generator": {"layers": [
    {"type": "dense", "units": 64, "bias": false}, {"type": "reshape", "shape": [4, 4, 4]},
    {"type": "batch_norm"}, {"type": "elu"}, {"type": "upsample", "kind": "bilinear"},
    {"type": "conv", "channels": 6, "kernel": 3, "padding": "same", "bias": false},
    {"type": "instance_norm"},
    {"type": "silu"}, {"type": "pad", "padding": 1}, {"type": "crop", "padding": 1},
    {"type": "dropout", "rate": 0.1},
    {"type": "conv_transpose", "channels": 1, "kernel": 3, "padding": 1}, {"type": "tanh"}]},
  "discriminator": {"layers": [
    {"type": "conv", "name": "first", "channels": 8, "kernel": 4, "stride": 2, "padding": 1,
     "spectral_norm": true},
    {"type": "leaky_relu", "name": "shared", "slope": 0.2},
    {"type": "conv", "name": "left", "channels": 8, "kernel": 3, "padding": 1},
    {"type": "layer_norm", "name": "normed"}, {"type": "relu", "name": "bent"},
    {"type": "add", "name": "sum", "inputs": ["bent", "shared"]},
    {"type": "max_pool", "name": "largest", "kernel": 2, "inputs": ["sum"]},
    {"type": "average_pool", "name": "mean", "kernel": 2, "inputs": ["shared"]},
    {"type": "concat", "name": "both", "inputs": ["largest", "mean"]},
    {"type": "dropout", "rate": 0.2}, {"type": "group_norm", "groups": 4}, {"type": "flatten"},
    {"type": "dense", "units": 16}, {"type": "softplus"}, {"type": "dense", "units": 1}]},
  "objective": {"type": "wgan_gp"},
  "optimizer": {"g": {"lr": 1e-3, "eps": 1e-5}, "d": {"lr": 1e-3, "eps": 1e-5}},
  "train": {"steps": 10, "batch": 4, "accumulate": 2}
})";

struct Half {
  const char* name;
  Precision precision;
  double loss, weights;
};
constexpr Half kHalves[] = {{"bf16", Precision::kBf16, kStepsLossBf16, kStepsWeightsBf16},
                            {"fp16", Precision::kFp16, kStepsLossFp16, kStepsWeightsFp16}};

HostTensor& tensor_of(Checkpoint& checkpoint, const std::string& name) {
  for (HostTensor& tensor : checkpoint.tensors)
    if (tensor.name == name) return tensor;
  throw std::out_of_range(name);
}

// The losses of that player times that number.
void set_loss_scale(Session& session, const std::string& player, float scale) {
  Checkpoint checkpoint = session.checkpoint();
  tensor_of(checkpoint, player + ".optimizer.loss_scale").as<float>()[0] = scale;
  session.restore(checkpoint, "memory");
}

TrainingRig rig_of(const char* config, Precision precision) {
  const std::string name = kPrecisions[static_cast<size_t>(precision)];
  std::vector<std::string> overrides = {"precision=" + name, "train.batch=4", "data.samples=16"};
  for (const char* player : {"g", "d"})
    overrides.push_back(concat("optimizer.", player, ".eps=1e-5"));
  return TrainingRig(open_backend(BackendChoice::kCuda, 1, {.precision = precision}), config,
                     overrides);
}

// A scale for which no update is left out.
void start_small(TrainingRig& rig) {
  if (rig.backend().narrow_kernels->narrow_real() != DType::kF16) return;
  for (const char* player : {"g", "d"}) set_loss_scale(rig.session(), player, 256);
}

std::map<std::string, std::vector<double>> weights_by_player(TrainingRig& rig) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& player : rig.session().system().players)
    all[player->name] = weights_of(rig.session(), *player);
  return all;
}

void check_against_f32(const char* config, const Half& half) {
  SCOPED_TRACE(half.name);
  TrainingRig exact = rig_of(config, Precision::kFp32), narrow = rig_of(config, half.precision);
  start_small(narrow);
  const auto before = weights_by_player(exact);
  double worst_loss = 0, worst_weights = 0;
  for (int step = 0; step < kPrecisionSteps; ++step) {
    exact.step(1);
    narrow.step(1);
    const auto expected = exact.metrics();
    for (const auto& [metric, value] : narrow.metrics()) {
      if (metric.find(".loss") == std::string::npos || metric.ends_with("scale")) continue;
      worst_loss =
          std::max(worst_loss, std::fabs(value - expected.at(metric)) / (1 + std::fabs(value)));
    }
  }
  const auto at_exact = weights_by_player(exact), at_narrow = weights_by_player(narrow);
  for (const auto& [player, weights] : at_exact) {
    const double moved = distance(weights, before.at(player));
    EXPECT_GT(moved, 0) << player;
    worst_weights = std::max(worst_weights, distance(weights, at_narrow.at(player)) / moved);
  }
  EXPECT_GT(worst_loss, 0) << "nothing was narrow";
  EXPECT_LE(worst_loss, half.loss);
  EXPECT_LE(worst_weights, half.weights);
  std::printf("%s after %d steps: losses within %.1e, weights within %.1e of their way\n",
              half.name, kPrecisionSteps, worst_loss, worst_weights);
}

TEST(CudaPrecision, ATinyGanFollowsF32) {
  for (const Half& half : kHalves) check_against_f32(kTinyGan, half);
}

TEST(CudaPrecision, EveryLayerFollowsF32) {
  for (const Half& half : kHalves) check_against_f32(kEveryLayer, half);
}

std::vector<std::vector<std::byte>> bytes_of(const Checkpoint& checkpoint) {
  std::vector<std::vector<std::byte>> all;
  for (const HostTensor& tensor : checkpoint.tensors)
    all.emplace_back(tensor.bytes.begin(), tensor.bytes.end());
  return all;
}

// A checkpoint holds all that is needed: the scale and its counters, but no narrow copy.
TEST(CudaPrecision, ResumesBitForBit) {
  for (const Half& half : kHalves) {
    SCOPED_TRACE(half.name);
    TrainingRig whole = rig_of(kTinyGan, half.precision),
                resumed = rig_of(kTinyGan, half.precision);
    start_small(whole);
    whole.step(2);
    const Checkpoint middle = whole.session().checkpoint();
    whole.step(3);
    resumed.session().restore(middle, "memory");
    resumed.step(3);
    EXPECT_EQ(bytes_of(whole.session().checkpoint()), bytes_of(resumed.session().checkpoint()));
  }
}

// A scale that is too large costs updates until it has halved often enough; weights, moments and
// the narrow copy stay as they were meanwhile.
TEST(CudaPrecision, OverflowLeavesUpdatesOutAndHalvesTheScale) {
  TrainingRig rig = rig_of(kTinyGan, Precision::kFp16);
  start_small(rig);
  constexpr float kFar = 0x1p24f;
  set_loss_scale(rig.session(), "d", kFar);
  Checkpoint start = rig.session().checkpoint();
  rig.step(1);
  EXPECT_GT(rig.metrics().at("d.nonfinite"), 0);
  EXPECT_EQ(rig.metrics().at("d.skipped"), 1);
  EXPECT_EQ(rig.metrics().at("d.loss_scale"), kFar);
  EXPECT_EQ(rig.metrics().at("d.grad_norm"), 0);
  EXPECT_EQ(rig.metrics().at("g.skipped"), 0);
  Checkpoint after = rig.session().checkpoint();
  EXPECT_EQ(tensor_of(after, "d.optimizer.loss_scale").as<float>()[0], kFar / 2);
  EXPECT_EQ(tensor_of(after, "d.conv1.weight").bytes, tensor_of(start, "d.conv1.weight").bytes);
  EXPECT_NE(tensor_of(after, "g.dense1.weight").bytes, tensor_of(start, "g.dense1.weight").bytes);
  int skipped = 1;
  for (int step = 0; step < Optimizer::kSkipsInARow && rig.metrics().at("d.grad_norm") == 0; ++step)
    rig.step(1), ++skipped;
  EXPECT_EQ(rig.metrics().at("d.skipped"), skipped - 1);
  EXPECT_GT(rig.metrics().at("d.grad_norm"), 0);
  EXPECT_EQ(rig.session().first_bad_step(), 0);
}

// Losses are f32 whatever the networks compute in: finite and right for logits far from zero.
TEST(CudaPrecision, LossesOfFarLogits) {
  for (const Half& half : kHalves) {
    const Backend backend = open_backend(BackendChoice::kCuda, 0, {.precision = half.precision});
    const auto stream = backend.device->make_stream();
    const Shape shape{4, 1, 1, 1};
    const float logits[] = {1e4f, -1e4f, 88, -104}, targets[] = {0, 1, 1, 0};
    const Tensor wide(*backend.device, shape, DType::kF32), t(*backend.device, shape, DType::kF32);
    const Tensor narrow(*backend.device, shape, narrow_type(half.precision));
    backend.device->copy_to_device(*stream, wide.view().data, logits, sizeof(logits));
    backend.device->copy_to_device(*stream, t.view().data, targets, sizeof(targets));
    const KernelPtr cast = backend.kernels->cast({.size = 4});
    cast->run(*stream, std::array{narrow.view(), wide.view()}, nullptr);
    cast->run(*stream, std::array{wide.view(), narrow.view()}, nullptr);
    using Kind = LossDesc::Kind;
    for (const Kind kind : {Kind::kBceLogits, Kind::kHinge}) {
      const LossDesc desc{.kind = kind, .x = shape, .t = shape};
      const KernelPtr loss = backend.kernels->loss(desc, true);
      const Tensor value(*backend.device, vector_shape(2), DType::kF32);
      TensorView second = value.view(), first = value.view();
      first.shape = second.shape = vector_shape(1);
      second.data = value.view().as<float>() + 1;
      const Tensor dx(*backend.device, shape, DType::kF32);
      const Memory scratch(*backend.device, loss->scratch_bytes() + 256);
      loss->run(*stream, std::array{first, second, dx.view(), wide.view(), t.view()},
                scratch.data());
      const double got = read_reals(*backend.device, *stream, first)[0];
      // BCE: 1e4 + 1e4 over 4.
      // BCE: (1e4 + 1e4 + 0 + 0) / 4.
      EXPECT_TRUE(std::isfinite(got)) << half.name;
      EXPECT_TRUE(kind != Kind::kBceLogits || std::fabs(got - 5000) < 20) << half.name << got;
      for (const double d : read_reals(*backend.device, *stream, dx.view()))
        EXPECT_TRUE(std::isfinite(d)) << half.name;
    }
  }
}

TEST(CudaPrecision, TheCpuRefuses) {
  for (const Half& half : kHalves) {
    try {
      open_backend(BackendChoice::kCpu, 1, {.precision = half.precision});
      ADD_FAILURE() << half.name << " was taken";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(concat("/precision: \"", half.name)),
                std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace gantry
