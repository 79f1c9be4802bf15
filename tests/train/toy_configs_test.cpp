// SPDX-License-Identifier: Apache-2.0
// Every file of configs/toy: strict, named after itself, and a run that resumes bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "tests/train/training_rig.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> toy_configs() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(GANTRY_SOURCE_DIR "/configs/toy")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ToyConfig : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Session> open() {
    const std::string path = concat(GANTRY_SOURCE_DIR, "/configs/toy/", GetParam(), ".json");
    RunConfig config = load_config(path, {"train.batch=8", "data.samples=256"}).config;
    EXPECT_EQ(config.name, GetParam());
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

INSTANTIATE_TEST_SUITE_P(All, ToyConfig, ::testing::ValuesIn(toy_configs()), [](const auto& param) {
  std::string name = param.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace gantry
