// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"
#include "tests/tools/process.h"
#include "tests/train/tiny_gan.h"
#include "train/metrics_log.h"

namespace gantry {

namespace fs = std::filesystem;

// A folder with a small config, and what runs of it leave there.
class Run : public ::testing::Test {
 protected:
  Run() { std::ofstream(config()) << kTinyGan; }

  std::string config() const { return (scratch_.path() / "tiny.json").string(); }
  std::string dir(const std::string& name) const { return (scratch_.path() / name).string(); }

  std::vector<std::string> train(const std::string& name, int64_t steps,
                                 std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"train",
                                      config(),
                                      "--out",
                                      dir(name),
                                      concat("train.steps=", steps),
                                      "train.log_every=4",
                                      "train.sample_every=50",
                                      "train.checkpoint_every=5",
                                      "train.keep_last=2",
                                      "output.animation=false"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  static std::string step_name(int64_t step) {
    std::string number = std::to_string(step);
    number.insert(0, 8 - number.size(), '0');
    return "step-" + number;
  }

  fs::path grid(const std::string& name, int64_t step) const {
    return fs::path(dir(name)) / "samples" / (step_name(step) + ".png");
  }

  // The end of a run in one string: state, metrics (times aside), last grid if it draws any.
  std::string result(const std::string& name, int64_t step) const {
    const fs::path run = dir(name), picture = grid(name, step);
    return read_file(run / "checkpoints" / step_name(step) / "state.safetensors") +
           without_times(read_file(run / "metrics.jsonl")) +
           (fs::exists(picture) ? read_file(picture) : "no grid");
  }

  int64_t newest_step(const std::string& name) const {
    int64_t newest = 0;
    const fs::path checkpoints = fs::path(dir(name)) / "checkpoints";
    if (!fs::exists(checkpoints)) return 0;
    for (const auto& entry : fs::directory_iterator(checkpoints)) {
      const std::string file = entry.path().filename().string();
      if (file.starts_with("step-")) newest = std::max<int64_t>(newest, std::stoll(file.substr(5)));
    }
    return newest;
  }

  // As long as a step of a large network may take on a busy machine.
  void wait_for_checkpoint(const std::string& name, Process& process) const {
    const auto start = std::chrono::steady_clock::now();
    while (newest_step(name) == 0 && process.running() &&
           std::chrono::steady_clock::now() - start < std::chrono::minutes(15)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_GT(newest_step(name), 0) << process.wait(0).output;
  }

  testing::ScratchFolder scratch_;
};

}  // namespace gantry
