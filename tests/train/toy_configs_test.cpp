// SPDX-License-Identifier: Apache-2.0
// Every file of configs/toy: strict, named after itself, and a run that resumes bit for bit.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/train/shipped_configs.h"
#include "tests/train/training_rig.h"

namespace gantry {
namespace {

std::vector<std::string> toy_configs() {
  std::vector<std::string> names = shipped_configs();
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("toy/"); });
  return names;
}

class ToyConfig : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Session> open() {
    const std::string path = path_of_config(GetParam());
    RunConfig config = load_config(path, {"train.batch=8", "data.samples=256"}).config;
    EXPECT_EQ("toy/" + config.name, GetParam());
    auto data = open_data(config.data, static_cast<uint64_t>(config.seed));
    auto session = std::make_unique<Session>(std::move(config), backend_, std::move(data));
    session->initialize();
    return session;
  }

  Backend backend_ = open_backend(BackendChoice::kCpu, 2);
};

TEST_P(ToyConfig, TrainsAndResumesBitForBit) {
  const auto whole = open(), resumed = open();
  whole->step();
  resumed->restore(whole->checkpoint(), "memory");
  whole->step();
  resumed->step();
  for (const auto& [name, value] : whole->latest_metrics()) {
    EXPECT_TRUE(std::isfinite(value)) << name;
  }
  EXPECT_EQ(whole->checkpoint().tensors, resumed->checkpoint().tensors);
}

INSTANTIATE_TEST_SUITE_P(All, ToyConfig, ::testing::ValuesIn(toy_configs()),
                         [](const auto& param) { return test_name(param.param); });

}  // namespace
}  // namespace gantry
