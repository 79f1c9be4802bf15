// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "tests/train/shipped_configs.h"

namespace gantry {
namespace {

using Overrides = std::vector<std::string>;

const std::filesystem::path kSource = GANTRY_SOURCE_DIR;
const std::string kQuickstart = (kSource / "configs" / "quickstart.json").string();

// Independent of the shipped configs, which are tuned.
constexpr const char* kSample = R"({
  "data": {"source": "mnist", "path": "data"},
  "generator": {"layers": [{"type": "dense", "units": 784}, {"type": "reshape", "shape": [1, 28, 28]},
                           {"type": "tanh"}]},
  "discriminator": {"layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]},
  "optimizer": {"g": {"type": "adam", "lr": 2e-4, "betas": [0.5, 0.999]},
                "d": {"type": "adam", "lr": 2e-4}},
  "train": {"steps": 100, "batch": 64}
})";

std::string failure(const Overrides& overrides) {
  try {
    parse_config(kSample, "sample.json", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Config, EveryShippedConfigLoadsAndResolvesToItself) {
  const auto names = shipped_configs();
  EXPECT_GE(names.size(), 40u);
  for (const std::string& name : names) {
    const LoadedConfig loaded = load_config(path_of_config(name));
    const LoadedConfig again = parse_config(loaded.resolved, "resolved");
    EXPECT_EQ(again.resolved, loaded.resolved) << name;
    EXPECT_EQ(again.origins.find("default"), std::string::npos) << name;
  }
}

TEST(Config, OriginsTellFileOverrideAndDefault) {
  const LoadedConfig loaded = load_config(kQuickstart, {"optimizer.g.lr=1e-3"});
  EXPECT_EQ(loaded.config.generator.optimizer.lr, 1e-3);
  const auto line_of = [&](const std::string& pointer) {
    std::istringstream lines(loaded.origins);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(pointer + " ", 0) == 0) return line;
    }
    return std::string();
  };
  EXPECT_NE(line_of("/optimizer/g/lr").find("override optimizer.g.lr=1e-3"), std::string::npos);
  EXPECT_NE(line_of("/optimizer/d/lr").find("quickstart.json:"), std::string::npos);
  EXPECT_NE(line_of("/train/d_steps").find("default"), std::string::npos);
}

TEST(Config, DefaultsFollowTheVariant) {
  const auto g = [](const Overrides& overrides) {
    return parse_config(kSample, "sample.json", overrides).config.generator.optimizer;
  };
  const std::string rmsprop = R"(optimizer.g={"type": "rmsprop", "lr": 1)";
  EXPECT_EQ(g({rmsprop + "}"}).rho, 0.99);
  EXPECT_EQ(g({rmsprop + R"(, "variant": "keras"})"}).rho, 0.9);
  EXPECT_EQ(g({rmsprop + R"(, "variant": "keras"})"}).eps, 1e-7);
  EXPECT_EQ(g({rmsprop + R"(, "variant": "keras", "eps": 1e-5})"}).eps, 1e-5);
  EXPECT_EQ(g({R"(optimizer.g={"type": "adamw", "lr": 1})"}).weight_decay, 0.01);
  EXPECT_EQ(g({"optimizer.g.variant=keras"}).beta1, 0.5);
}

TEST(Config, AnObjectiveBringsItsPublishedDefaults) {
  bool clipped = true;
  const auto objective = [&](Overrides overrides) {
    if (clipped) overrides.emplace_back("optimizer.d.weight_clip=0.01");
    return parse_config(kSample, "sample.json", overrides).config.objective;
  };
  using Loss = ObjectiveConfig::Loss;
  EXPECT_EQ(objective({}).loss, Loss::kBce);
  EXPECT_EQ(objective({"objective.type=lsgan"}).loss, Loss::kLeastSquares);
  EXPECT_EQ(objective({"objective.type=lsgan"}).loss_weight, 0.5);
  EXPECT_EQ(objective({"objective.type=lsgan", "objective.loss_weight=1"}).loss_weight, 1);
  EXPECT_EQ(objective({"objective.type=wgan"}).loss, Loss::kWasserstein);
  EXPECT_EQ(objective({"objective.type=hinge"}).loss, Loss::kHinge);
  clipped = false;
  EXPECT_EQ(objective({"objective.type=wgan_gp"}).penalties.gradient.weight, 10);
  const std::string weight = "objective.penalties.gradient.weight=5";
  EXPECT_EQ(objective({"objective.type=wgan_gp", weight}).penalties.gradient.weight, 5);
  EXPECT_EQ(objective({"objective.type=wgan_gp", weight}).penalties.gradient.target, 1);
  EXPECT_EQ(objective({"objective.type=dragan"}).penalties.dragan.weight, 10);
  EXPECT_EQ(objective({"objective.type=dragan"}).loss, Loss::kBce);
  EXPECT_EQ(objective({"objective.loss=hinge"}).loss, Loss::kHinge);
}

TEST(Config, LabelsBecomeTargets) {
  LabelConfig labels;
  labels.smooth_real = 0.1;
  EXPECT_DOUBLE_EQ(labels.real_target(), 0.9);
  EXPECT_EQ(labels.fake_target(), 0);
  EXPECT_EQ(labels.generator_target(), 1);
  labels = LabelConfig();
  labels.real = 0;
  labels.fake = 1;
  labels.smooth_fake = 0.25;
  EXPECT_DOUBLE_EQ(labels.fake_target(), 0.75);
  EXPECT_EQ(labels.generator_target(), 0);
}

struct BadConfig {
  Overrides overrides;
  const char* message;
};

TEST(Config, RefusesMistakes) {
  const BadConfig cases[] = {
      {{"train.bacth=3"}, "override train.bacth=3: /train/bacth: unknown key, did you mean"},
      {{"trian={}"}, "/trian: unknown key, did you mean \"train\"?"},
      {{"train.batch=\"64\""}, "/train/batch: must be an integer, found \"64\" (a string)"},
      {{"train.batch=0"}, "/train/batch: must be at least 1"},
      {{"train.batch=1e9"}, "/train/batch: must be an integer, found 1e+09; write 1000000000"},
      {{"train.steps=-5"}, "/train/steps: must be at least 1"},
      {{"optimizer.g.lr=NaN"}, "/optimizer/g/lr: must be a number, found \"NaN\""},
      {{"optimizer.g.lr=1e999"}, "the number 1e999 is too large"},
      {{"optimizer.g.lr=-1e-4"}, "/optimizer/g/lr: must be at least 0"},
      {{"optimizer.g.type=Adam"}, "did you mean \"adam\"?"},
      {{"optimizer.g.rho=0.9"}, "/optimizer/g/rho: unknown key for type \"adam\""},
      {{"optimizer.g.betas=[0.5,1]"}, "/optimizer/g/betas/1: must be at least 0 and below 1"},
      {{"optimizer.g.betas=0.5"}, "/optimizer/g/betas: must be a list of 2 numbers"},
      {{R"(optimizer.g={"type": "sgd", "lr": 1, "nesterov": true})"},
       "/optimizer/g/nesterov: needs `momentum` above 0"},
      {{R"(optimizer.g={"type": "sgd", "variant": "keras", "lr": 1, "dampening": 0.5})"},
       "/optimizer/g/dampening: unknown key for type \"sgd\", variant \"keras\""},
      {{"optimizer.g.clip_norm=1", "optimizer.g.clip_tensor_norm=1"},
       "/optimizer/g/clip_tensor_norm: cannot be used with `clip_norm`"},
      {{"precision=fp16", "optimizer.g.clip_tensor_norm=1"},
       "/optimizer/g/clip_tensor_norm: precision \"fp16\" clips the gradient as a whole alone"},
      {{"precision=fp16", "optimizer.d.historical_average=0.1"},
       "/optimizer/d/historical_average: would be added to the scaled gradients"},
      {{R"(optimizer.d.schedule={"type": "linear", "until": 10})"},
       "/optimizer/d/schedule/until: the learning rate is 0 from update 10 on"},
      {{"optimizer.d.schedule.type=step"}, "/optimizer/d/schedule: missing key \"decay\""},
      {{"data.source=mnits"}, "did you mean \"mnist\"?"},
      {{"data.path="}, "/data/path: this source reads files"},
      {{"data.range=[1,-1]"}, "/data/range: the first value must be below the second"},
      {{"data.range=[0,1]"}, "/data/range: the last layer of G is tanh, whose values lie in [-1"},
      {{"generator.layers.2.type=sigmoid"},
       "the last layer of G is sigmoid, whose values lie in "
       "[0, 1], but the data lie in [-1, 1]"},
      {{"generator.layers.2.type=relu"}, "/data/range: the last layer of G is relu"},
      {{"data.range=[0,1]", "generator.layers.1={\"type\": \"tanh\"}",
        "generator.layers.2={\"type\": \"reshape\", \"shape\": [1, 28, 28]}"},
       "/data/range: the last layer of G that changes values is tanh, whose values lie in [-1"},
      {{R"(data={"source": "ring"})"},
       "/generator/layers/2/type: the last layer of G is tanh, "
       "which cannot reach the points"},
      {{"generator.layers=[]"}, "/generator/layers: a network needs at least one layer"},
      {{"generator.layers.0.type=dens"},
       "/generator/layers/0/type: found \"dens\", did you mean "
       "\"dense\"?"},
      {{"generator.layers.0.unit=3"}, "unknown key for type \"dense\", did you mean \"units\"?"},
      {{"generator.layers.99.units=3"}, "/generator/layers is a list of 3"},
      {{"discriminator.layers.1={\"type\": \"sigmoid\"}"},
       "/discriminator/layers/1/type: the last layer of D is sigmoid, but the loss \"bce\" takes "
       "logits"},
      {{"discriminator.layers.1={\"type\": \"tanh\"}"}, "takes logits, which this layer bounds"},
      {{R"(discriminator.layers=[{"type": "conv", "channels": 1, "kernel": 28}, {"type": "sigmoid"}, )"
        R"({"type": "flatten"}])"},
       "/discriminator/layers/1/type: the last layer of D that changes values is sigmoid, but the "
       "loss \"bce\" takes logits"},
      {{R"(discriminator.layers=[{"type": "conv", "channels": 1, "kernel": 3}, {"type": "sigmoid"}, )"
        R"({"type": "crop", "padding": [1, 1, 1, 1]}, {"type": "reshape", )"
        R"("shape": [1, 1, 576]}, {"type": "global_average_pool"}])"},
       "/discriminator/layers/1/type: the last layer of D that changes values is sigmoid"},
      {{R"(discriminator={"outputs": ["flatten1"], "layers": [ )"
        R"({"type": "conv", "channels": 1, "kernel": 28}, {"type": "sigmoid", "name": "p"}, )"
        R"({"type": "pad", "padding": [0, 0, 0, 1], "inputs": ["p"], "name": "wider"}, )"
        R"({"type": "max_pool", "kernel": 1, "inputs": ["wider"]}, {"type": "flatten"}]})"},
       "/discriminator/layers/1/type: the last layer of D that changes values is sigmoid"},
      {{"discriminator.layers.1={\"type\": \"sigmoid\"}", "objective.loss=least_squares"},
       "but the loss \"least_squares\" has no gradient where this layer saturates"},
      {{"objective.labels.real=1.5"},
       "/objective/labels/real: the loss \"bce\" takes labels as "
       "probabilities"},
      {{"objective.labels.fake=1"}, "/objective/labels/fake: must differ from the label `real`"},
      {{"objective.labels.flip_real=2"},
       "/objective/labels/flip_real: must be at least 0 and at "
       "most 1"},
      {{"objective.loss=least_squares", "objective.generator_loss=saturating"},
       "/objective/generator_loss: \"saturating\" with \"least_squares\""},
      {{"objective.labels.generator=0.9", "objective.generator_loss=saturating"},
       "/objective/labels/generator: has no effect"},
      {{"objective.type=wgna"}, "/objective/type: found \"wgna\", did you mean \"wgan\"?"},
      {{"objective.loss_weight=0"}, "/objective/loss_weight: must be above 0"},
      {{"objective.type=wgan"}, "unless something bounds the critic's slope"},
      {{"objective.type=wgan", "optimizer.d.weight_clip=0.01",
        "discriminator.layers.1={\"type\": \"sigmoid\"}"},
       "the loss \"wasserstein\" takes a score of any size, which this layer bounds"},
      {{"objective.type=wgan", "optimizer.d.weight_clip=0.01", "objective.labels.smooth_real=0.1"},
       "/objective/labels: the loss \"wasserstein\" has no labels"},
      {{"objective.type=wgan", "optimizer.d.weight_clip=0.01", "objective.combine=mean"},
       "/objective/combine: \"mean\" would halve the Wasserstein distance"},
      {{"objective.type=wgan_gp", "optimizer.d.weight_clip=0.01"},
       "/optimizer/d/weight_clip: clipped weights keep D's slope far below"},
      {{"objective.type=wgan_gp", "discriminator.layers.0={\"type\": \"batch_norm\"}"},
       "/discriminator/layers/0/type: batch_norm lets D's answer to a sample depend on its "
       "neighbours"},
      {{"objective.type=wgan_gp", "train.fake_batch=32"},
       "/train/fake_batch: the penalty \"gradient\" pairs each real sample"},
      {{"objective.type=dragan", "objective.real_fake=alternating"},
       "/objective/real_fake: \"alternating\" updates D on real and on generated"},
      {{"objective.penalties.every=16"}, "/objective/penalties/every: there is no penalty"},
      {{"objective.type=wgan_gp", "objective.penalties.gradient.weight=0"},
       "unless something bounds the critic's slope"},
      {{"objective.penalties.r1=-1"}, "/objective/penalties/r1: must be at least 0"},
      {{"objective.penalties.gradient.spread=1"}, "/objective/penalties/gradient/spread: unknown"},
      {{"objective.type=hinge", "objective.generator_loss=saturating"},
       "/objective/generator_loss: with the loss \"hinge\" G always raises"},
      {{"objective.type=hinge", "discriminator.layers.1={\"type\": \"tanh\"}"},
       "the loss \"hinge\" takes a score of any size"},
      {{"objective.type=ebgan", "objective.ebgan.pt_weight=0", "data.range=[0,1]",
        "generator.layers.2.type=sigmoid",
        R"(discriminator.layers=[{"type": "conv", "channels": 1, "kernel": 1}, {"type": "tanh"}])"},
       "/data/range: the last layer of D is tanh, whose values lie in [-1, 1], but the data lie in "
       "[0, 1], which D could not draw again"},
      {{"objective.type=began",
        R"(discriminator.layers=[{"type": "conv", "channels": 1, "kernel": 1}, {"type": "relu"}])"},
       "/data/range: the last layer of D is relu, which is never negative"},
      {{"train.accumulate=3"}, "3 micro-batches do not divide batch 64 evenly"},
      {{"train.reuse_fakes=true", "train.order=g_first"}, "/train/reuse_fakes: needs \"order\""},
      {{"train.reuse_fakes=true", "train.g_steps=2"}, "needs g_steps 1"},
      {{"train.reuse_fakes=true", "train.generator_batch=32"}, "needs as many fakes for D (64)"},
      {{"latent.distribution=uniform", "latent.low=2"}, "/latent/high: must be above `low`"},
      {{"latent.size=0"}, "/latent/size: must be at least 1"},
      {{"seed=-1"}, "/seed: must be at least 0"},
      {{"seed=9223372036854775808"}, "is too large"},
      {{"backend=gpu"}, "must be one of \"auto\", \"cpu\" or \"cuda\""},
  };
  for (const BadConfig& bad : cases) {
    const std::string message = failure(bad.overrides);
    EXPECT_NE(message.find(bad.message), std::string::npos)
        << bad.overrides[0] << ": " << (message.empty() ? "accepted" : message);
  }
}

TEST(Config, AcceptsWhatRecipesNeed) {
  const Overrides cases[] = {
      {"objective.labels.real=0", "objective.labels.fake=1", "objective.labels.noise_real=0.05"},
      {"objective.loss=least_squares", "objective.labels.real=1", "objective.labels.fake=-1",
       "objective.labels.generator=0"},
      {"objective.labels.smooth_real=0.3", "objective.labels.noise_real=0.5"},
      {"train.reuse_fakes=true"},
      {"train.accumulate=4", "train.fake_batch=128", "train.generator_batch=32"},
      {R"(optimizer.d.schedule={"type": "inverse_time", "decay": 6e-8, "warmup": 10})"},
      {"train.ema.decay=0.999", "train.ema.start=100"},
      {"objective.type=wgan", "optimizer.d.weight_clip=0.01"},
      {"objective.type=wgan", "discriminator.spectral_norm=true"},
      {"objective.type=wgan", "discriminator.layers.1.spectral_norm=true"},
      {"objective.type=hinge"},
      {"objective.type=wgan_gp", "objective.penalties.gradient.weight=5"},
      {"objective.penalties={\"r1\": 10, \"every\": 16}", "train.fake_batch=32"},
      {"objective.type=lsgan", "objective.labels={\"fake\": -1, \"generator\": 0}"},
  };
  for (const Overrides& overrides : cases) {
    EXPECT_EQ(failure(overrides), "") << overrides[0];
  }
}

TEST(Config, TheReferenceInDocsIsUpToDate) {
  std::ifstream file(kSource / "docs" / "configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == config_reference())
      << "run: build/gantry schema --reference > docs/configuration.md";
}

}  // namespace
}  // namespace gantry
