// SPDX-License-Identifier: Apache-2.0
// Runs of the real binary: what a kill, a signal, a full disk or a NaN leaves behind.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/philox.h"
#include "tests/tools/run_fixture.h"

namespace gantry {
namespace {

TEST_F(Run, TrainedInTwoPartsIsTheSameBytes) {
  ASSERT_EQ(run_gantry(train("whole", 200)).exit_code, 0);
  ASSERT_EQ(run_gantry(train("parts", 100)).exit_code, 0);
  const Ending resumed = run_gantry({"resume", dir("parts"), "train.steps=200"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_TRUE(result("whole", 200) == result("parts", 200));
}

// From before the folder is made to the midst of training. What a kill leaves that is no run yet
// is where the next attempt begins.
TEST_F(Run, KilledAtRandomMomentsItEndsAsIfUndisturbed) {
  const bool thorough = std::getenv("GANTRY_LONG_TESTS") != nullptr;
  const int kills = thorough ? 200 : 20;
  uint32_t longest_us = thorough ? 800'000 : 250'000;
  bool configured = false;
  const RandomKey key = random_key(11, Purpose::kShuffle);
  for (int i = 0; i < kills; ++i) {
    const bool started = fs::exists(fs::path(dir("killed")) / "config.json");
    EXPECT_TRUE(started || !configured) << "config lost";
    configured = started;
    if (!configured && longest_us < 10'000'000)
      longest_us *= 2;  // a machine this busy has not come to the folder
    Process process(started ? std::vector<std::string>{"resume", dir("killed")}
                            : train("killed", 1000000));
    const uint32_t draw = random_block(key, static_cast<uint64_t>(i), 0, 0).v[0];
    std::this_thread::sleep_for(std::chrono::microseconds(1000 + draw % longest_us));
    process.send(SIGKILL);
    const Ending ending = process.wait();
    ASSERT_EQ(ending.signal, SIGKILL) << ending.output;
  }
  const int64_t last = newest_step("killed") + 7;
  const Ending resumed = run_gantry({"resume", dir("killed"), concat("train.steps=", last)});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(run_gantry(train("whole", last)).exit_code, 0);
  EXPECT_TRUE(result("whole", last) == result("killed", last));
}

// What a scheduler does that starts a job again and again.
TEST_F(Run, TheSameCommandOverAndOverGoesOn) {
  const std::vector<std::string> again = {"--resume", "auto"};
  Process process(train("parts", 1000000, again));
  wait_for_checkpoint("parts", process);
  process.send(SIGTERM);
  ASSERT_EQ(process.wait(30).exit_code, 75);
  const int64_t last = newest_step("parts") + 3;
  for (const char* words : {"resume ", "are done"}) {
    const Ending ending = run_gantry(train("parts", last, again));
    EXPECT_EQ(ending.exit_code, 0) << ending.output;
    EXPECT_NE(ending.output.find(words), std::string::npos) << ending.output;
  }
  ASSERT_EQ(run_gantry(train("straight", last)).exit_code, 0);
  EXPECT_TRUE(result("parts", last) == result("straight", last));
}

TEST_F(Run, TheSameFolderWithAnotherConfigIsRefused) {
  ASSERT_EQ(run_gantry(train("run", 6)).exit_code, 0);
  const std::string before = result("run", 6);
  const Ending other = run_gantry(train("run", 9, {"--resume", "auto", "seed=6"}));
  EXPECT_EQ(other.exit_code, 2) << other.output;
  EXPECT_NE(other.output.find("tiny.json is not the config that step 6 was trained with"),
            std::string::npos)
      << other.output;
  EXPECT_EQ(result("run", 6), before);
  const std::string config_file = config();
  const Ending nowhere = run_gantry({"train", config_file, "--resume", "auto"});
  EXPECT_EQ(nowhere.exit_code, 2) << nowhere.output;
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

// Root may write anywhere, so root's test has nobody try it.
TEST_F(Run, AFolderWithoutPermissionExitsWith13) {
  constexpr uid_t kNobody = 65534;
  const Process::Limits limits{.user = ::geteuid() == 0 ? kNobody : 0};
  if (Process({"version"}, limits).wait().exit_code != 0) {
    GTEST_SKIP() << "an unprivileged user cannot reach " << GANTRY_BINARY;
  }
  fs::permissions(scratch_.path(), fs::perms(0755));
  const fs::path closed = dir("closed");
  fs::create_directory(closed);
  fs::permissions(closed, fs::perms(0555));
  const Ending ending = Process(train("closed/run", 10), limits).wait();
  EXPECT_EQ(ending.exit_code, 13) << ending.output;
  EXPECT_NE(ending.output.find(closed.string()), std::string::npos) << ending.output;
  EXPECT_NE(ending.output.find("Permission denied"), std::string::npos) << ending.output;
  fs::permissions(closed, fs::perms(0755));
}

TEST_F(Run, ANonfiniteLossIsNamedAndExitsWith10) {
  const Ending ending = run_gantry(train("diverges", 200, {"optimizer.d.lr=1e30"}));
  EXPECT_EQ(ending.exit_code, 10) << ending.output;
  EXPECT_NE(ending.output.find("first: "), std::string::npos) << ending.output;
  const std::string status = read_file(fs::path(dir("diverges")) / "status.json");
  EXPECT_NE(status.find("failed"), std::string::npos) << status;
  EXPECT_NE(ending.output.find("there is no checkpoint yet"), std::string::npos) << ending.output;
}

// A critic without bounds and a huge learning rate: its weights outgrow f32 after some steps.
TEST_F(Run, ADivergingRunKeepsItsLastGoodCheckpoint) {
  const Ending ending =
      run_gantry(train("diverges", 1000,
                       {"objective={\"type\": \"wgan\"}", "train.checkpoint_every=1",
                        R"(optimizer.d={"type": "sgd", "lr": 10, "weight_clip": 1e38})",
                        R"(optimizer.g={"type": "sgd", "lr": 10})"}));
  EXPECT_EQ(ending.exit_code, 10) << ending.output;
  const int64_t newest = newest_step("diverges");
  EXPECT_GT(newest, 0) << ending.output;
  EXPECT_NE(ending.output.find(concat("the newest checkpoint is of step ", newest, ".")),
            std::string::npos)
      << ending.output;
  const Ending sample = run_gantry({"sample", dir("diverges"), "--out", dir("kept.png")});
  EXPECT_EQ(sample.exit_code, 0) << sample.output;
  // A run that goes on meets the same end and says so of the same checkpoint.
  const Ending resumed = run_gantry({"resume", dir("diverges")});
  EXPECT_EQ(resumed.exit_code, 10) << resumed.output;
  EXPECT_NE(resumed.output.find(concat("the newest checkpoint is of step ", newest, ".")),
            std::string::npos)
      << resumed.output;
}

// The array is drawn in parts of 1024: the same samples as in one, and the last part is short.
TEST_F(Run, LargeArraysAreWrittenInParts) {
  ASSERT_EQ(run_gantry(train("run", 6)).exit_code, 0);
  const auto array = [&](const char* name, const char* count) {
    const Ending ending = run_gantry({"sample", dir("run"), "--out", dir(name), "--count", count});
    EXPECT_EQ(ending.exit_code, 0) << ending.output;
    return read_file(dir(name));
  };
  const std::string few = array("few.npy", "1100"), many = array("many.npy", "2500");
  constexpr size_t kHeader = 128, kSample = 64 * sizeof(float);
  ASSERT_EQ(many.size(), kHeader + 2500 * kSample);
  EXPECT_NE(many.find("'shape': (2500,8,8,1,)"), std::string::npos);
  EXPECT_TRUE(few.substr(kHeader) == many.substr(kHeader, 1100 * kSample));
  EXPECT_NE(many.substr(kHeader, kSample), many.substr(kHeader + 1024 * kSample, kSample));
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

// A metric that is seeded anew in each run measures luck. Weights as large as these spread the
// samples over all modes from the beginning.
TEST_F(Run, EvalOfOneSeedIsOneResult) {
  const std::string ring = GANTRY_SOURCE_DIR "/configs/toy/gan-ring.json";
  ASSERT_EQ(
      run_gantry({"train", ring, "--out", dir("ring"), "train.steps=2", "train.batch=32",
                  "train.sample_every=0", "data.samples=256", "data.spread=0.5",
                  R"(generator.init={"weight": {"kind": "he_normal"}})", "output.animation=false"})
          .exit_code,
      0);
  const auto eval = [&](const char* seed) {
    return run_gantry({"eval", dir("ring"), "--samples", "500", "--seed", seed, "--json"});
  };
  const Ending first = eval("1");
  EXPECT_EQ(first.exit_code, 0) << first.output;
  EXPECT_EQ(first.output, eval("1").output);
  EXPECT_NE(first.output, eval("2").output);
}

TEST_F(Run, EvalCountsTheModesOfStackedDigits) {
  const std::string configs = GANTRY_SOURCE_DIR "/configs/";
  const auto train = [&](const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> words = {"train",
                                      configs + name + ".json",
                                      "--out",
                                      dir(name),
                                      "train.steps=1",
                                      "train.batch=8",
                                      "data.path=" GANTRY_SOURCE_DIR "/data/mnist",
                                      "data.split=test"};
    words.insert(words.end(), more.begin(), more.end());
    const Ending ending = run_gantry(words);
    EXPECT_EQ(ending.exit_code, 0) << ending.output;
  };
  train("mnist-classifier", {"evaluation={}"});
  train("stacked-mnist-gan", {"data.samples=64", "output.animation=false"});
  const Ending counted = run_gantry({"eval", dir("stacked-mnist-gan"), "--classifier",
                                     dir("mnist-classifier"), "--samples", "1200"});
  EXPECT_EQ(counted.exit_code, 0) << counted.output;
  EXPECT_NE(counted.output.find(" of 1000 found"), std::string::npos) << counted.output;
  EXPECT_NE(counted.output.find("nats from the uniform choice of modes"), std::string::npos);
  EXPECT_EQ(counted.output.find("good"), std::string::npos);
  const Ending alone = run_gantry({"eval", dir("stacked-mnist-gan")});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_NE(alone.output.find("counted by a classifier of its digits"), std::string::npos)
      << alone.output;
}

}  // namespace
}  // namespace gantry
