// SPDX-License-Identifier: Apache-2.0
// N ranks x B/N = one rank x B for every shipped config; in exact mode to the same bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/ranks/comparison.h"
#include "tests/ranks/shipped.h"
#include "tests/ranks/team.h"
#include "tests/tolerances.h"
#include "tests/train/tiny_gan.h"
#include "train/finite_check.h"
#include "train/system_state.h"

namespace gantry {
namespace {

constexpr const char* kShared = "distributed.sync_batch_norm=true";

class ShippedOnRanks : public ::testing::TestWithParam<std::string> {};

// Plain descent for every network: the first steps of Adam are as long for a gradient that is a
// rounding error as for any other, so that they show roundings alone.
std::vector<std::string> descent(const std::string& name) {
  std::vector<std::string> overrides;
  const RunConfig config = load_shipped(name, Layers::kShipped);
  for (const PlayerConfig* player : config.players()) {
    if (!player->present) continue;
    overrides.push_back(concat("optimizer.", player->name,
                               R"(={"type": "sgd", "lr": 0.01, "weight_clip": )",
                               player->optimizer.weight_clip, "}"));
  }
  return overrides;
}

TEST_P(ShippedOnRanks, TwoAndFourLearnAsOne) {
  std::vector<std::string> overrides = descent(GetParam());
  overrides.push_back(kShared);
  const auto load = [&] { return load_shipped(GetParam(), Layers::kSmooth, overrides); };
  const Lone one = train_alone(load);
  for (const int ranks : {2, 4}) {
    Team many(ranks, load);
    const Difference off = compare(one, many);
    std::printf("%-24s %d ranks: losses within %.1e, weights within %.1e of their way\n",
                GetParam().c_str(), ranks, off.losses, off.weights);
    EXPECT_LE(off.losses, kRanksLossF32) << ranks;
    EXPECT_LE(off.weights, kRanksWeightsF32) << ranks;
  }
}

// As shipped, batch_norm included.
TEST_P(ShippedOnRanks, ExactModeGivesTheSameBytesOnAnyNumber) {
  const auto load = [] {
    return load_shipped(GetParam(), Layers::kShipped, {"distributed.virtual_ranks=4"});
  };
  Team one(1, load);
  one.step(2);
  const Checkpoint expected = one.checkpoint();
  for (const int ranks : {2, 4}) {
    Team many(ranks, load);
    many.step(2);
    EXPECT_EQ(many.checkpoint().tensors, expected.tensors) << ranks << " ranks";
    EXPECT_EQ(many.session(0).latest_metrics(), one.session(0).latest_metrics());
  }
}

INSTANTIATE_TEST_SUITE_P(All, ShippedOnRanks, ::testing::ValuesIn(shipped_configs()),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name) c = c == '-' || c == '/' ? '_' : c;
                           return name;
                         });

Team::Load tiny(std::vector<std::string> overrides = {}) {
  return [overrides] { return parse_config(kTinyGan, "tiny.json", overrides).config; };
}

TEST(Ranks, TheSameRunTwiceGivesTheSameBytes) {
  Team a(4, tiny()), b(4, tiny({"data.prefetch_threads=2"}));
  a.step(5);
  b.step(5);
  EXPECT_EQ(a.checkpoint().tensors, b.checkpoint().tensors);
}

TEST(Ranks, ResumingContinuesBitForBit) {
  Team whole(2, tiny()), first(2, tiny()), second(2, tiny());
  whole.step(6);
  first.step(2);
  second.restore(first.checkpoint());
  second.step(4);
  EXPECT_EQ(whole.checkpoint().tensors, second.checkpoint().tensors);
}

// Everything that a step can be composed of.
const std::vector<std::vector<std::string>> kWays = {
    {"train.d_steps=2", "train.g_steps=2"},
    {"train.order=g_first"},
    {"train.reuse_fakes=true"},
    {"train.reuse_fakes=true", "train.accumulate=2"},
    {"train.fake_batch=8"},
    {"train.generator_batch=32"},
    {"train.accumulate=4"},
    {"objective.real_fake=mixed"},
    {"objective.real_fake=mixed", "train.fake_batch=8"},
    {"objective.real_fake=alternating"},
    {"objective.packing=2", "train.generator_batch=32"},
    {"objective.packing=2", "train.accumulate=2"},
    {"optimizer.d.historical_average=0.1", "optimizer.g.clip_norm=0.5"},
    {"train.d_warmup.d_steps=2", "train.d_warmup.until=2"}};

TEST(Ranks, EveryWayOfComposingAStepIsExact) {
  for (std::vector<std::string> way : kWays) {
    way.push_back("distributed.virtual_ranks=4");
    Team one(1, tiny(way)), two(2, tiny(way)), four(4, tiny(way));
    one.step(3);
    two.step(3);
    four.step(3);
    EXPECT_EQ(one.checkpoint().tensors, two.checkpoint().tensors) << way.front();
    EXPECT_EQ(one.checkpoint().tensors, four.checkpoint().tensors) << way.front();
  }
}

constexpr const char* kLayerNorm[] = {"generator.layers.2.type=layer_norm",
                                      "discriminator.layers.3.type=layer_norm"};

void expect_as_one_rank(std::vector<std::string> way, const std::vector<std::string>& settings) {
  way.insert(way.end(), settings.begin(), settings.end());
  Team two(2, tiny(way));
  const Difference off = compare(train_alone(tiny(way)), two);
  EXPECT_LE(off.losses, kRanksLossF32) << way.front();
  EXPECT_LE(off.weights, kRanksWeightsF32) << way.front();
}

TEST(Ranks, EveryWayOfComposingAStepLearnsAsOneRank) {
  for (const auto& way : kWays) {
    expect_as_one_rank(way, {std::begin(kLayerNorm), std::end(kLayerNorm)});
  }
}

// By plain descent: what batch_norm's backward pass takes away leaves gradients that are rounding
// alone, which the first steps of Adam make as long as any.
// A micro-batch is made of other samples on other ranks.
TEST(Ranks, EveryWayOfComposingAStepSharesStatistics) {
  for (const auto& way : kWays) {
    if (way.back().starts_with("train.accumulate")) continue;
    expect_as_one_rank(way, {kShared, R"(optimizer.d={"type": "sgd", "lr": 0.01})",
                             R"(optimizer.g={"type": "sgd", "lr": 0.01})"});
  }
}

// A micro-batch is no more than a cut, too.
TEST(Ranks, AccumulatedMicroBatchesAreTheWholeBatch) {
  std::vector<std::string> whole(std::begin(kLayerNorm), std::end(kLayerNorm)), parts = whole;
  parts.push_back("train.accumulate=4");
  Team in_parts(1, tiny(parts));
  const Difference off = compare(train_alone(tiny(whole)), in_parts);
  EXPECT_LE(off.losses, kRanksLossF32);
  EXPECT_LE(off.weights, kRanksWeightsF32);
}

TEST(Ranks, AnExactRunGoesOnWithAnotherNumber) {
  const auto load = tiny({"distributed.virtual_ranks=4"});
  Team whole(1, load), four(4, load), two(2, load), one(1, load);
  whole.step(6);
  four.step(2);
  two.restore(four.checkpoint());
  two.step(2);
  one.restore(two.checkpoint());
  one.step(2);
  EXPECT_EQ(whole.checkpoint().tensors, one.checkpoint().tensors);
}

TEST(Ranks, AgreeOnTheStepAfterWhichTheyStop) {
  Team team(3, tiny({"train.batch=12"}));
  team.step(1);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_FALSE(team.session(rank).agree_to_stop(rank == 2)) << "the others do not know yet";
  }
  team.step(1);
  for (int rank = 0; rank < 3; ++rank) EXPECT_TRUE(team.session(rank).agree_to_stop(false));
}

TEST(Ranks, ARunSaysWhenItCannotGoOnExactly) {
  Team two(2, tiny()), four(4, tiny());
  two.step(1);
  const Checkpoint saved = two.checkpoint();
  EXPECT_EQ(why_not_on_these_ranks(two.session(0).system(), saved), "");
  EXPECT_NE(
      why_not_on_these_ranks(four.session(0).system(), saved).find("on 2 ranks, and this is 4"),
      std::string::npos);
  four.restore(saved);
  four.step(1);
  EXPECT_EQ(four.checkpoint().meta.at(kEarlierRanksKey), "2 to step 1");
  Team exact(4, tiny({"distributed.virtual_ranks=4"}));
  EXPECT_EQ(why_not_on_these_ranks(exact.session(0).system(), saved), "");
}

TEST(Ranks, ShareTheStateOfTheFirst) {
  Team one(1, tiny()), three(3, tiny({"train.batch=12"}));
  one.step(2);
  three.session(0).restore(one.checkpoint(), "memory");
  on_threads(3, [&](int rank) { three.session(rank).share_state(); });
  EXPECT_EQ(three.checkpoint().tensors, one.checkpoint().tensors);
  EXPECT_EQ(three.session(2).steps_done(), 2);
}

TEST(Ranks, AllFindWhatIsNotFiniteOnOne) {
  Team team(2, tiny());
  team.step(1);
  Session& second = team.session(1);
  const TensorView weights_of_d = second.system().player("d").store.values();
  write_reals(*second.system().backend.device, second.stream(), weights_of_d,
              std::vector<float>(static_cast<size_t>(weights_of_d.shape.elements()), NAN));
  team.step(1);
  std::vector<std::string> said(2);
  on_threads(2, [&](int rank) {
    try {
      require_finite(team.session(rank), [] { return "none"; });
    } catch (const NumericError& error) {
      said[static_cast<size_t>(rank)] = error.what();
    }
  });
  EXPECT_NE(said[0].find("step 2: "), std::string::npos) << said[0];
  EXPECT_NE(said[1].find("first: d1.m1.d.conv1.forward"), std::string::npos) << said[1];
}

}  // namespace
}  // namespace gantry
