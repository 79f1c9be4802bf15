// SPDX-License-Identifier: Apache-2.0
// Every file of configs/: it is strict, its networks are those of its source, it trains, and it
// resumes bit for bit. Parameters were counted by PyTorch (tools/pytorch).
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/train/shipped_configs.h"
#include "tests/train/training_rig.h"

namespace gantry {
namespace {

struct Shipped {
  const char* name;
  int64_t channels, side;  // of its images
  int64_t g_parameters;    // 0: it has no generator
  int64_t d_parameters;    // of D, or of the network that is there in its place
};

constexpr Shipped kShipped[] = {
    {"quickstart", 1, 28, 234177, 36577},
    {"keras-mnist-gan", 1, 28, 839937, 215041},
    {"keras-cifar-frogs", 3, 32, 6264579, 790913},
    {"mnist-dcgan", 1, 28, 2368705, 4311553},
    {"cifar-dcgan-patchgan", 3, 32, 3448576, 663361},
    {"dcgan-64", 3, 64, 12658432, 11036160},
    {"dcgan-64-example", 3, 64, 3576704, 2765568},
    {"dcgan-28", 1, 28, 759680, 138624},
    {"dcgan-28-few", 1, 28, 759680, 138624},
    {"gan-mlp", 1, 28, 1510032, 533505},
    {"autoencoder", 1, 28, 1749441, 1743316},
    {"began", 1, 28, 425985, 2061953},
    {"ebgan", 1, 28, 759681, 666337},
    {"improved-gan", 1, 28, 759681, 1738689},
    {"minibatch-discrimination", 1, 28, 759681, 1866661},
    {"cgan-mlp", 1, 28, 1511312, 932865},
    {"cgan-conv", 1, 28, 822400, 148864},
    {"cgan-projection", 1, 28, 822400, 1740993},
    {"acgan-mnist", 1, 28, 822400, 201355},
    {"acgan-cifar10", 3, 32, 2993763, 1663883},
    {"infogan-mnist", 1, 28, 6645121, 6690893},
    {"mnist-classifier", 1, 28, 0, 421738},
    {"vae-bernoulli", 1, 28, 1749441, 1748456},
    {"vae-gaussian", 1, 28, 1749441, 1748456},
    {"lsgan", 1, 28, 759681, 138689},
    {"wgan", 1, 28, 759681, 138689},
    {"wgan-gp", 1, 28, 935297, 138561},
    {"dragan", 1, 28, 759681, 138561},
    {"sngan", 1, 28, 935297, 138561},
    {"ebgan-cifar10", 3, 32, 3448579, 6307267},
    {"began-cifar10", 3, 32, 1421443, 7128643},
    {"cgan-cifar10", 3, 32, 3530499, 2657921},
    {"improved-gan-cifar10", 3, 32, 3448579, 4726913},
    {"infogan-cifar10", 3, 32, 2796099, 1193581},
    {"vae-cifar10", 3, 32, 3684739, 4725888},
    {"gan-r1", 1, 28, 759681, 138561},
    {"lsgan-cifar10", 3, 32, 3448579, 2637441},
    {"wgan-cifar10", 3, 32, 3448579, 2637441},
    {"wgan-gp-cifar10", 3, 32, 1204483, 1053825},
    {"dragan-cifar10", 3, 32, 3448579, 2636673},
    {"sngan-cifar10", 3, 32, 3804739, 2935873},
    {"semi-supervised", 1, 28, 759681, 1740746},
    {"stacked-mnist-gan", 3, 28, 286795, 1861},
    {"stacked-mnist-wgan-gp", 3, 28, 286795, 1833},
    {"stacked-mnist-pacgan", 3, 28, 286795, 1969},
};

std::ostream& operator<<(std::ostream& out, const Shipped& shipped) { return out << shipped.name; }

// Two samples a step, drawn instead of read: the real sets are not in the repository.
LoadedConfig load_small(const Shipped& shipped) {
  const RunConfig config = load_config(path_of_config(shipped.name)).config;
  const std::vector<double>& range = config.data.range;
  std::vector<std::string> overrides = {
      "train.batch=2", "threads=2",
      concat(R"(data={"source": "glyphs", "samples": 32, "channels": )", shipped.channels,
             R"(, "size": )", shipped.side, R"(, "range": [)", range[0], ", ", range[1], "]}")};
  if (config.evaluation.every > 0) overrides.push_back("evaluation={}");
  if (config.objective.is_semi_supervised()) {
    overrides.push_back("objective.semi_supervised.labels_per_class=2");
  }
  if (config.train.generator_batch > 0) overrides.push_back("train.generator_batch=4");
  // A hundred updates of D, as in the paper, are like ten.
  if (config.train.d_warmup.d_steps > 10) overrides.push_back("train.d_warmup.d_steps=10");
  return load_config(path_of_config(shipped.name), overrides);
}

std::unique_ptr<Session> open(const Shipped& shipped, Backend& backend) {
  RunConfig config = load_small(shipped).config;
  auto data = open_data(config.data, static_cast<uint64_t>(config.seed));
  auto session = std::make_unique<Session>(std::move(config), backend, std::move(data));
  session->initialize();
  return session;
}

class ShippedConfig : public ::testing::TestWithParam<Shipped> {
 protected:
  Backend backend_ = open_backend(BackendChoice::kCpu, 2);
};

TEST_P(ShippedConfig, IsNamedAfterItsFile) {
  EXPECT_EQ(load_config(path_of_config(GetParam().name)).config.name, GetParam().name);
}

TEST_P(ShippedConfig, HasTheNetworksOfItsSource) {
  const auto session = open(GetParam(), backend_);
  int64_t others = 0;
  for (const auto& player : session->system().players) {
    if (player->name != "g") others += player->store.parameters();
  }
  EXPECT_EQ(others, GetParam().d_parameters);
  const bool generates = session->system().has("g");
  EXPECT_EQ(generates ? session->system().player("g").store.parameters() : 0,
            GetParam().g_parameters);
}

TEST_P(ShippedConfig, TrainsAndResumesBitForBit) {
  const auto whole = open(GetParam(), backend_);
  whole->step();
  const auto resumed = open(GetParam(), backend_);
  resumed->restore(whole->checkpoint(), "memory");
  whole->step();
  resumed->step();
  for (const auto& [name, value] : whole->latest_metrics()) {
    EXPECT_TRUE(std::isfinite(value)) << name;
  }
  EXPECT_EQ(whole->checkpoint().tensors, resumed->checkpoint().tensors);
}

INSTANTIATE_TEST_SUITE_P(All, ShippedConfig, ::testing::ValuesIn(kShipped),
                         [](const auto& param) { return test_name(param.param.name); });

TEST(ShippedConfigs, AllHaveARowHere) {
  std::set<std::string> rows, files;
  for (const Shipped& shipped : kShipped) rows.insert(shipped.name);
  for (const std::string& name : shipped_configs()) {
    if (!name.starts_with("toy/")) files.insert(name);
  }
  EXPECT_EQ(rows, files);
}

}  // namespace
}  // namespace gantry
