// SPDX-License-Identifier: Apache-2.0
// Layers and losses that look at a whole batch: of a batch that ranks share they make what one rank
// makes of it; each of what it has, as in exact mode, would come to something else by far.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "tests/ranks/comparison.h"
#include "tests/ranks/team.h"
#include "tests/tolerances.h"

namespace gantry {
namespace {

// How much farther than the limits learning from shards apart must end.
constexpr double kSeen = 10;

// Smooth, without batch statistics of its own. `layers` stand before D's last but one.
std::string points_gan(const std::string& layers, const std::string& objective,
                       const std::string& outputs = "") {
  return R"({"name": "small", "seed": 5, "threads": 1,
    "data": {"source": "glyphs", "samples": 96, "size": [8, 8]}, "latent": {"size": 12},
    "generator": {"layers": [
      {"type": "dense", "units": 64}, {"type": "silu"}, {"type": "layer_norm"},
      {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
    "discriminator": {"layers": [
      {"type": "conv", "channels": 8, "kernel": 4, "stride": 2, "padding": 1},
      {"type": "silu"}, {"type": "flatten"}, )" +
         layers + R"( {"type": "dense", "units": 24}, {"type": "silu", "name": "features"},
      {"type": "dense", "units": 1, "name": "score"}])" +
         outputs + R"(}, "objective": )" + objective + R"(,
    "optimizer": {"g": {"type": "sgd", "lr": 0.05}, "d": {"type": "sgd", "lr": 0.05}},
    "train": {"steps": 10, "batch": 16}})";
}

// EBGAN: D makes an image and a code.
std::string autoencoder_gan() {
  return R"({"name": "small", "seed": 5, "threads": 1,
    "data": {"source": "glyphs", "samples": 96, "size": [8, 8]}, "latent": {"size": 12},
    "generator": {"layers": [
      {"type": "dense", "units": 64}, {"type": "tanh"}, {"type": "reshape", "shape": [1, 8, 8]}]},
    "discriminator": {"layers": [
      {"type": "flatten"}, {"type": "dense", "units": 20}, {"type": "silu", "name": "code"},
      {"type": "dense", "units": 64}, {"type": "reshape", "shape": [1, 8, 8], "name": "image"}],
      "outputs": ["image", "code"]},
    "objective": {"type": "ebgan", "ebgan": {"margin": 10, "pt_weight": 5}},
    "optimizer": {"g": {"type": "sgd", "lr": 0.05}, "d": {"type": "sgd", "lr": 0.05}},
    "train": {"steps": 10, "batch": 16}})";
}

struct Case {
  const char* name;
  std::string config;
  std::vector<std::string> overrides{};
  bool linear = false;  // shards apart come to the same
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

const char* const kMinibatch =
    R"({"type": "minibatch_discrimination", "features": 6, "dimensions": 3},)";
const char* const kFeatures = R"(, "outputs": ["score", "features"])";

std::vector<Case> cases() {
  const auto matching = [](const char* distance) {
    return concat(R"({"type": "feature_matching", "feature_matching": {"distance": ")", distance,
                  "\"}}");
  };
  return {{"minibatch", points_gan(kMinibatch, "{}")},
          {"features_squared", points_gan("", matching("squared"), kFeatures)},
          {"features_absolute",
           points_gan("", matching("absolute"), kFeatures),
           {"train.generator_batch=32"}},
          {"dragan", points_gan("", R"({"penalties": {"dragan": {"weight": 10, "spread": 2}}})")},
          {"lecam", points_gan("", R"({"loss": "hinge", "lecam": {"weight": 3}})"), {}, true},
          {"ada",
           points_gan(
               "", R"({"augmentation": {"type": "ada", "every": 1, "span": 40, "target": 0.1}})"),
           {"train.d_steps=3"}},
          {"top_k", points_gan("", R"({"top_k": {"nu": 0.5, "gamma": 0.5, "every": 1}})")},
          {"virtual_norm",
           points_gan(R"({"type": "virtual_batch_norm"},)", "{}"),
           {"generator.layers.2.type=virtual_batch_norm", "train.reference_batch=20"},
           true},
          {"pulling_away", autoencoder_gan()}};
}

class BatchStatistics : public ::testing::TestWithParam<Case> {
 protected:
  Team::Load load(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), GetParam().overrides.begin(), GetParam().overrides.end());
    return [config = GetParam().config, more] {
      return parse_config(config, "small.json", more).config;
    };
  }
};

TEST_P(BatchStatistics, AreThoseOfAllRanks) {
  const Lone one = train_alone(load());
  for (const int ranks : {2, 4}) {
    Team many(ranks, load());
    const Difference off = compare(one, many);
    std::printf("%-20s %d ranks: losses within %.1e, gradients %.1e, weights %.1e\n",
                GetParam().name, ranks, off.losses, off.gradients, off.weights);
    EXPECT_LE(off.losses, kRanksLossF32) << ranks;
    EXPECT_LE(off.gradients, kRanksGradientsF32) << ranks;
    EXPECT_LE(off.weights, kRanksWeightsF32) << ranks;
  }
}

// What the limits above tell apart: the same run with statistics of each shard.
TEST_P(BatchStatistics, OfShardsApartAreOthers) {
  if (GetParam().linear) GTEST_SKIP() << "of shards it comes to the same as of all samples";
  Team apart(4, load({"distributed.virtual_ranks=4"}));
  const Difference off = compare(train_alone(load()), apart);
  std::printf("%-20s apart: losses off by %.1e, gradients %.1e, weights %.1e\n", GetParam().name,
              off.losses, off.gradients, off.weights);
  EXPECT_GE(std::max(off.gradients / kRanksGradientsF32, off.weights / kRanksWeightsF32), kSeen);
}

TEST_P(BatchStatistics, OfShardsAreTheSameBytesOnAnyNumberOfRanks) {
  Team one(1, load({"distributed.virtual_ranks=4"}));
  one.step(3);
  const Checkpoint expected = one.checkpoint();
  for (const int ranks : {2, 4}) {
    Team many(ranks, load({"distributed.virtual_ranks=4"}));
    many.step(3);
    EXPECT_EQ(many.checkpoint().tensors, expected.tensors) << ranks << " ranks";
    EXPECT_EQ(many.session(0).latest_metrics(), one.session(0).latest_metrics());
  }
}

INSTANTIATE_TEST_SUITE_P(All, BatchStatistics, ::testing::ValuesIn(cases()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace gantry
