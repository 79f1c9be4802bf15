// SPDX-License-Identifier: Apache-2.0
// What `gantry plan` counts on shipped configs, against docs/second-order.md: beside the six passes
// of [real; fake] through a layer of D, four of a penalty, six where something behind it is curved.
#include "tools/commands/pass_counts.h"

#include <gtest/gtest.h>

#include "tests/train/shipped_configs.h"
#include "train/session.h"

namespace gantry {
namespace {

class Passes {
 public:
  explicit Passes(const std::string& name, std::vector<std::string> overrides = {})
      : backend_(open_backend(BackendChoice::kCpu, 2)) {
    const std::string path = path_of_config(name);
    const auto drawn = drawn_data(load_config(path).config);
    overrides.insert(overrides.end(), drawn.begin(), drawn.end());
    RunConfig config = load_config(path, overrides).config;
    batch_ = config.train.batch;
    auto data = open_data(config.data, static_cast<uint64_t>(config.seed));
    session_ = std::make_unique<Session>(std::move(config), backend_, std::move(data));
  }

  PassCount of(const std::string& update, const std::string& layer, size_t variant = 0) {
    for (const PassCount& count : count_passes(program(variant), batch_)) {
      if (count.update == update && count.layer == layer) return count;
    }
    ADD_FAILURE() << "no " << layer << " in " << update;
    return {};
  }

  void expect(const std::string& layer, std::array<double, 5> passes, size_t variant = 0) {
    const PassCount count = of("d1", layer, variant);
    EXPECT_EQ((std::array{count.forward, count.backward_data, count.backward_weights, count.penalty,
                          count.all()}),
              passes)
        << layer;
  }

  size_t variants() const { return session_->variants().size(); }
  const Program& program(size_t variant) { return session_->variants()[variant].recorded.program; }
  int64_t batch() const { return batch_; }

 private:
  Backend backend_;
  std::unique_ptr<Session> session_;
  int64_t batch_ = 0;
};

// The first layer of D is not asked for dx except by the penalty.
TEST(PassCounts, APenaltyOnALeakyCriticMakesTenPassesOfSix) {
  Passes passes("wgan-gp");
  passes.expect("d.conv2", {2, 2, 2, 4, 10});
  passes.expect("d.dense1", {2, 2, 2, 4, 10});
  passes.expect("d.conv1", {2, 0, 2, 4, 8});
  passes.expect("g.conv_transpose1", {1, 0, 0, 0, 1});
  const PassCount in_g = passes.of("g1", "d.conv2");
  EXPECT_EQ(in_g.forward, 1);
  EXPECT_EQ(in_g.backward_data, 1);
  EXPECT_EQ(in_g.backward_weights, 0);
  EXPECT_EQ(passes.of("d5", "d.conv2").all(), 10);
}

TEST(PassCounts, BehindACurvedLayerTwelve) {
  Passes passes("wgan-gp", {"discriminator.layers.1={\"type\":\"elu\"}",
                            "discriminator.layers.3={\"type\":\"layer_norm\"}"});
  passes.expect("d.conv2", {2, 2, 2, 6, 12});
  passes.expect("d.dense1", {2, 2, 2, 4, 10});
}

TEST(PassCounts, ALazyPenaltyIsAStepOfItsOwn) {
  Passes passes("wgan-gp", {"objective.penalties.every=4"});
  ASSERT_EQ(passes.variants(), 2u);
  passes.expect("d.conv2", {2, 2, 2, 0, 6}, 0);
  passes.expect("d.conv2", {2, 2, 2, 4, 10}, 1);
}

TEST(PassCounts, TheTableSaysAlikeUpdatesOnce) {
  Passes passes("wgan-gp-cifar10");
  const std::string table = describe_passes(passes.program(0), passes.batch());
  EXPECT_NE(table.find("passes of 64 samples"), std::string::npos) << table;
  EXPECT_NE(table.find("\nd1-d5     d."), std::string::npos) << table;
  EXPECT_EQ(table.find("\nd2 "), std::string::npos) << table;
  EXPECT_NE(table.find(" times those without penalties"), std::string::npos) << table;
}

}  // namespace
}  // namespace gantry
