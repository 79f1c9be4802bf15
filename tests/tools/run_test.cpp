// SPDX-License-Identifier: Apache-2.0
// Runs of the real binary: what a kill, a signal, a full disk or a NaN leaves behind.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/philox.h"
#include "tests/core/scratch_folder.h"
#include "tests/tools/process.h"
#include "tests/train/tiny_gan.h"
#include "train/metrics_log.h"

namespace gantry {
namespace {

namespace fs = std::filesystem;

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

  // The end of a run in one string: state, metrics (times aside), last grid.
  std::string result(const std::string& name, int64_t step) const {
    const fs::path run = dir(name);
    std::string number = std::to_string(step);
    number.insert(0, 8 - number.size(), '0');
    return read_file(run / "checkpoints" / ("step-" + number) / "state.safetensors") +
           without_times(read_file(run / "metrics.jsonl")) +
           read_file(run / "samples" / ("step-" + number + ".png"));
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

  void wait_for_checkpoint(const std::string& name, Process& process) const {
    for (int i = 0; i < 6000 && newest_step(name) == 0 && process.running(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_GT(newest_step(name), 0) << process.wait(0).output;
  }

  testing::ScratchFolder scratch_;
};

TEST_F(Run, TrainedInTwoPartsIsTheSameBytes) {
  ASSERT_EQ(run_gantry(train("whole", 200)).exit_code, 0);
  ASSERT_EQ(run_gantry(train("parts", 100)).exit_code, 0);
  const Ending resumed = run_gantry({"resume", dir("parts"), "train.steps=200"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_TRUE(result("whole", 200) == result("parts", 200));
}

TEST_F(Run, KilledAtRandomMomentsItEndsAsIfUndisturbed) {
  const int kills = std::getenv("GANTRY_LONG_TESTS") ? 200 : 20;
  const RandomKey key = random_key(11, Purpose::kShuffle);
  for (int i = 0; i < kills; ++i) {
    const bool started = fs::exists(dir("killed"));
    Process process(started ? std::vector<std::string>{"resume", dir("killed")}
                            : train("killed", 1000000));
    const uint32_t draw = random_block(key, static_cast<uint64_t>(i), 0, 0).v[0];
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + draw % 160));
    process.send(SIGKILL);
    const Ending ending = process.wait();
    ASSERT_EQ(ending.signal, SIGKILL) << ending.output;
    if (started && !fs::exists(fs::path(dir("killed")) / "config.json")) FAIL() << "config lost";
    if (!fs::exists(fs::path(dir("killed")) / "config.json")) fs::remove_all(dir("killed"));
  }
  const int64_t last = newest_step("killed") + 7;
  const Ending resumed = run_gantry({"resume", dir("killed"), concat("train.steps=", last)});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(run_gantry(train("whole", last)).exit_code, 0);
  EXPECT_TRUE(result("whole", last) == result("killed", last));
}

TEST_F(Run, ATermSignalSavesAndExitsWith75) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const std::string name = concat("stopped", signal);
    Process process(train(name, 1000000));
    wait_for_checkpoint(name, process);
    process.send(signal);
    const Ending ending = process.wait(30);
    ASSERT_EQ(ending.exit_code, 75) << ending.output;
    EXPECT_NE(ending.output.find("gantry resume"), std::string::npos) << ending.output;
    const int64_t last = newest_step(name) + 3;
    ASSERT_EQ(run_gantry({"resume", dir(name), concat("train.steps=", last)}).exit_code, 0);
    ASSERT_EQ(run_gantry(train(concat("whole", signal), last)).exit_code, 0);
    EXPECT_TRUE(result(concat("whole", signal), last) == result(name, last));
  }
}

TEST_F(Run, ASecondSignalEndsItAtOnce) {
  Process process(train("slow", 1000000, {"train.batch=50000", "train.checkpoint_every=0"}));
  const fs::path first_grid = fs::path(dir("slow")) / "samples" / "step-00000000.png";
  for (int i = 0; i < 6000 && !fs::exists(first_grid); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (int i = 0; i < 500 && process.running(); ++i) {
    process.send(SIGTERM);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  const Ending ending = process.wait(30);
  EXPECT_EQ(ending.signal, SIGTERM) << ending.exit_code << ending.output;
}

TEST_F(Run, AFullDiskLeavesTheLastCheckpointAndExitsWith13) {
  ASSERT_EQ(run_gantry(train("full", 10)).exit_code, 0);
  Process process({"resume", dir("full"), "train.steps=20"}, {.file_bytes = 20000});
  const Ending ending = process.wait();
  EXPECT_EQ(ending.exit_code, 13) << ending.output;
  EXPECT_NE(ending.output.find(dir("full")), std::string::npos) << ending.output;
  const Ending resumed = run_gantry({"resume", dir("full"), "train.steps=20"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(run_gantry(train("whole", 20)).exit_code, 0);
  EXPECT_TRUE(result("whole", 20) == result("full", 20));
}

TEST_F(Run, AnUnwritablePlaceExitsWith13) {
  const Ending ending = run_gantry({"train", config(), "--out", config() + "/run"});
  EXPECT_EQ(ending.exit_code, 13) << ending.output;
  EXPECT_NE(ending.output.find(config()), std::string::npos) << ending.output;
}

TEST_F(Run, ANonfiniteLossIsNamedAndExitsWith10) {
  ASSERT_EQ(run_gantry(train("nan", 10)).exit_code, 0);
  const Ending ending = run_gantry(train("diverges", 200, {"optimizer.d.lr=1e30"}));
  EXPECT_EQ(ending.exit_code, 10) << ending.output;
  EXPECT_NE(ending.output.find("first: "), std::string::npos) << ending.output;
  const std::string status = read_file(fs::path(dir("diverges")) / "status.json");
  EXPECT_NE(status.find("failed"), std::string::npos) << status;
}

TEST_F(Run, MisuseIsRefusedWithItsCode) {
  ASSERT_EQ(run_gantry(train("run", 6)).exit_code, 0);
  const struct {
    std::vector<std::string> arguments;
    int code;
    const char* part;
  } cases[] = {
      {{"train", config(), "--out", dir("run")}, 2, "gantry resume"},
      {{"resume", dir("nothing")}, 4, "nothing"},
      {{"resume", dir("run"), "optimizer.g.lr=1"}, 2, "optimizer.g.lr=1"},
      {{"resume", dir("run"), "train.steps=5"}, 2, "already at step 6"},
      {{"train", config(), "train.batch=0"}, 2, "train"},
      {{"train", dir("missing.json")}, 2, "missing.json"},
      {{"train", config(), "data={\"source\":\"mnist\",\"path\":\"/nowhere\"}"}, 3, "/nowhere"},
      {{"train"}, 2, "config is required"},
      {{"sample", dir("run"), "--grid", "8by8", "--out", dir("x.png")}, 2, "8by8"},
      {{"sample", dir("run"), "--weights", "wrong"}, 2, "weights"},
      {{"sample", dir("run"), "--out", dir("x.tiff")}, 2, ".tiff"},
      {{"sample", dir("run"), "--out", ""}, 2, ".png"},
      {{"sample", dir("run"), "--interpolate", "3", "--out", dir("x.gif")}, 2, ".webp"},
      {{"sample", dir("run"), "--step", "3", "--out", dir("x.png")}, 4, "3"},
  };
  for (const auto& c : cases) {
    const Ending ending = run_gantry(c.arguments);
    EXPECT_EQ(ending.exit_code, c.code) << c.part << "\n" << ending.output;
    EXPECT_NE(ending.output.find(c.part), std::string::npos) << ending.output;
  }
}

TEST_F(Run, TheAnimationIsMadeUnlessTheConfigSaysNo) {
  ASSERT_EQ(run_gantry(train("without", 6)).exit_code, 0);
  EXPECT_FALSE(fs::exists(fs::path(dir("without")) / "animation.webp"));
  ASSERT_EQ(run_gantry({"resume", dir("without"), "output.animation=true"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(fs::path(dir("without")) / "animation.webp"));
}

TEST_F(Run, SamplesComeInEveryForm) {
  ASSERT_EQ(run_gantry(train("run", 6)).exit_code, 0);
  const auto sample = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"sample", dir("run")};
    words.insert(words.end(), more.begin(), more.end());
    const Ending ending = run_gantry(words);
    EXPECT_EQ(ending.exit_code, 0) << ending.output;
  };
  sample({"--out", dir("a.png"), "--seed", "7"});
  sample({"--out", dir("b.png"), "--seed", "7"});
  sample({"--out", dir("c.png"), "--seed", "8"});
  sample({"--out", dir("raw.png"), "--seed", "7", "--weights", "raw"});
  EXPECT_EQ(read_file(dir("a.png")), read_file(dir("b.png")));
  EXPECT_NE(read_file(dir("a.png")), read_file(dir("c.png")));
  EXPECT_NE(read_file(dir("a.png")), read_file(dir("raw.png")));
  sample({"--out", dir("array.npy"), "--count", "100"});
  constexpr size_t kHeader = 128;
  EXPECT_EQ(fs::file_size(dir("array.npy")), kHeader + 100 * 64 * sizeof(float));
  sample({"--out", dir("singles"), "--count", "3"});
  EXPECT_TRUE(fs::exists(fs::path(dir("singles")) / "000002.png"));
  sample({"--out", dir("walk.webp"), "--interpolate", "3", "--grid", "2x2"});
  EXPECT_EQ(read_file(dir("walk.webp")).substr(0, 4), "RIFF");
}

}  // namespace
}  // namespace gantry
