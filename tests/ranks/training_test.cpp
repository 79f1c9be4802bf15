// SPDX-License-Identifier: Apache-2.0
// N ranks x B/N = one rank x B for every shipped config that can be dealt out; in exact mode to the
// same bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/atomic_file.h"
#include "tests/ranks/team.h"
#include "tests/tolerances.h"
#include "tests/train/tiny_gan.h"
#include "train/finite_check.h"
#include "train/host_copy.h"
#include "train/system_state.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

constexpr int kSteps = 2;

std::string drawn_data(const DataConfig& data) {
  if (data.source == DataSourceKind::kRing || data.source == DataSourceKind::kGrid) {
    return "data.samples=64";
  }
  int64_t channels = data.channels, side = data.size[0];
  if (data.source == DataSourceKind::kMnist) channels = 1, side = 28;
  if (data.source == DataSourceKind::kCifar10) channels = 3, side = 32;
  return concat(R"(data={"source": "glyphs", "samples": 64, "channels": )", channels,
                R"(, "size": )", side, R"(, "range": [)", data.range[0], ", ", data.range[1], "]}");
}

// A shipped config on 8 drawn samples a step. `norm`: in the place of batch_norm.
RunConfig load_shipped(const std::string& name, const std::string& norm,
                       const std::vector<std::string>& more = {}) {
  const std::string path = GANTRY_SOURCE_DIR "/configs/" + name + ".json";
  const RunConfig shipped = load_config(path).config;
  std::string text = read_file(path);
  const std::string batch_norm = "\"batch_norm\"";
  while (norm != "batch_norm") {
    const size_t at = text.find(batch_norm);
    if (at == std::string::npos) break;
    const size_t end = text.find('}', at);
    text.replace(at, end - at, "\"" + norm + "\"");
  }
  std::vector<std::string> overrides = {drawn_data(shipped.data), "train.batch=8"};
  if (shipped.train.generator_batch > 0) overrides.push_back("train.generator_batch=16");
  if (shipped.objective.is_classifier()) overrides.push_back("evaluation={}");
  overrides.insert(overrides.end(), more.begin(), more.end());
  return parse_config(text, name, overrides).config;
}

// All but dcgan-64, whose networks are those of dcgan-64-example, wider, and those that are
// refused.
std::vector<std::string> shipped_configs() {
  std::vector<std::string> names;
  for (const char* folder : {"", "toy/"}) {
    for (const auto& entry :
         fs::directory_iterator(concat(GANTRY_SOURCE_DIR "/configs/", folder))) {
      if (entry.path().extension() != ".json") continue;
      const std::string name = folder + entry.path().stem().string();
      std::vector<BrokenRule> refused;
      check_shards(load_shipped(name, "batch_norm"), 4, refused);
      if (refused.empty() && name != "dcgan-64") names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<double> weights(Session& session, const Player& player) {
  return read_reals(*session.system().backend.device, session.stream(), player.store.values());
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

struct Difference {
  double losses = 0, weights = 0;  // tests/tolerances.h
};

Difference compare(Team& one, Team& many) {
  Session &a = one.session(0), &b = many.session(0);
  std::vector<std::vector<double>> start;
  for (const auto& player : a.system().players) start.push_back(weights(a, *player));
  Difference worst;
  for (int step = 0; step < kSteps; ++step) {
    one.step(1);
    many.step(1);
    const auto expected = a.latest_metrics(), got = b.latest_metrics();
    EXPECT_EQ(expected.size(), got.size());
    for (const auto& [metric, value] : got) {
      if (metric.find("loss") == std::string::npos) continue;
      const double off = std::abs(value - expected.at(metric)) / (1 + std::abs(value));
      worst.losses = std::max(worst.losses, off);
    }
  }
  for (size_t i = 0; i < start.size(); ++i) {
    const auto at_a = weights(a, *a.system().players[i]), at_b = weights(b, *b.system().players[i]);
    EXPECT_GT(distance(at_a, start[i]), 0);
    worst.weights = std::max(worst.weights, distance(at_a, at_b) / distance(at_a, start[i]));
  }
  many.checkpoint();  // the same on all ranks
  return worst;
}

class ShippedOnRanks : public ::testing::TestWithParam<std::string> {};

// Plain descent for every network: the first steps of Adam are as long for a gradient that is a
// rounding error as for any other, so that they show roundings alone.
std::vector<std::string> descent(const std::string& name) {
  std::vector<std::string> overrides;
  const RunConfig config = load_shipped(name, "batch_norm");
  for (const PlayerConfig* player : config.players()) {
    if (!player->present) continue;
    overrides.push_back(concat("optimizer.", player->name,
                               R"(={"type": "sgd", "lr": 0.01, "weight_clip": )",
                               player->optimizer.weight_clip, "}"));
  }
  return overrides;
}

// Statistics of batch_norm are those of a rank's samples, so it is replaced here.
TEST_P(ShippedOnRanks, TwoAndFourLearnAsOne) {
  for (const int ranks : {2, 4}) {
    const auto load = [] { return load_shipped(GetParam(), "layer_norm", descent(GetParam())); };
    Team one(1, load), many(ranks, load);
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
    return load_shipped(GetParam(), "batch_norm", {"distributed.virtual_ranks=4"});
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
    {"objective.real_fake=alternating"},
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

TEST(Ranks, EveryWayOfComposingAStepLearnsAsOneRank) {
  for (std::vector<std::string> way : kWays) {
    way.insert(way.end(), std::begin(kLayerNorm), std::end(kLayerNorm));
    Team one(1, tiny(way)), two(2, tiny(way));
    const Difference off = compare(one, two);
    EXPECT_LE(off.losses, kRanksLossF32) << way.front();
    EXPECT_LE(off.weights, kRanksWeightsF32) << way.front();
  }
}

// A micro-batch is no more than a cut, too.
TEST(Ranks, AccumulatedMicroBatchesAreTheWholeBatch) {
  std::vector<std::string> whole(std::begin(kLayerNorm), std::end(kLayerNorm)), parts = whole;
  parts.push_back("train.accumulate=4");
  Team a(1, tiny(whole)), b(1, tiny(parts));
  const Difference off = compare(a, b);
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

std::string refusal(int ranks, const std::vector<std::string>& overrides) {
  try {
    const RunConfig config = tiny(overrides)();
    deal(config, 0, ranks);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Ranks, RefuseWhatCannotBeDealtOut) {
  const auto says = [](const std::string& message, const char* part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  says(refusal(3, {}),
       "/train/batch: 16 samples do not divide into 3 equal shards; make it a multiple of 3");
  says(refusal(4, {"train.accumulate=8"}), "multiple of 32");
  says(refusal(2, {"train.generator_batch=7"}), "/train/generator_batch: 7 samples");
  says(refusal(2, {"objective.penalties.dragan.weight=1", kLayerNorm[1]}),
       "/objective/penalties/dragan");
  says(refusal(2, {"objective.real_fake=mixed", "train.fake_batch=8"}), "/objective/real_fake");
  says(refusal(2, {"discriminator.layers.3.type=virtual_batch_norm"}),
       "/discriminator/layers/3/type: virtual_batch_norm");
  says(refusal(8, {"distributed.virtual_ranks=4"}), "8 ranks cannot share 4 shards");
  says(refusal(1, {"distributed.virtual_ranks=6"}), "6 is no power of two");
  says(refusal(1, {"distributed.virtual_ranks=32"}), "make it a multiple of 32");
  EXPECT_EQ(refusal(4, {"distributed.virtual_ranks=4"}), "");
}

}  // namespace
}  // namespace gantry
