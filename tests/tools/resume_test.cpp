// SPDX-License-Identifier: Apache-2.0
// Every shipped config through the binary: killed in the midst of training and resumed it ends with
// the bytes of a run that was left alone, and so does a run with other prefetch threads. The data
// are drawn, as the real sets are not in the repository, and batches are small; networks,
// objective, optimizers and schedule are those of the config.
#include <signal.h>

#include <algorithm>
#include <cstdlib>

#include "tests/tools/run_fixture.h"
#include "tests/train/shipped_configs.h"

namespace gantry {
namespace {

const std::string kConfigs = GANTRY_SOURCE_DIR "/configs/";

std::vector<std::string> shipped() {
  std::vector<std::string> names;
  for (const char* folder : {"", "toy/"}) {
    for (const auto& entry : fs::directory_iterator(kConfigs + folder)) {
      if (entry.path().extension() == ".json")
        names.push_back(folder + entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool long_tests() { return std::getenv("GANTRY_LONG_TESTS") != nullptr; }

// Steps that take long and checkpoints of up to 300 MB: for long tests, and then fewer of them.
bool is_large(const std::string& name) {
  for (const char* part : {"cifar", "-64", "infogan", "mnist-dcgan"}) {
    if (name.find(part) != std::string::npos) return true;
  }
  return false;
}

class ShippedRun : public Run, public ::testing::WithParamInterface<std::string> {
 protected:
  ShippedRun() : loaded_(load_config(path())) {}

  std::string path() const { return concat(kConfigs, GetParam(), ".json"); }

  // As many steps as the config says.
  std::vector<std::string> shipped_run(const std::string& name, int prefetch_threads = 1) const {
    std::vector<std::string> words = {"train",
                                      path(),
                                      "--out",
                                      dir(name),
                                      "threads=2",
                                      "train.batch=4",
                                      "train.log_every=2",
                                      "train.sample_every=0",
                                      "train.checkpoint_every=0",
                                      "train.keep_last=2",
                                      "output.samples=4",
                                      "output.animation=false",
                                      "data=" + data(prefetch_threads)};
    const RunConfig& config = loaded_.config;
    if (config.train.generator_batch > 0) words.emplace_back("train.generator_batch=8");
    if (config.train.d_warmup.d_steps > 0) words.emplace_back("train.d_warmup.d_steps=7");
    if (config.objective.is_semi_supervised()) {
      words.emplace_back("objective.semi_supervised.labels_per_class=2");
    }
    if (config.evaluation.every > 0) {
      words.push_back(concat(R"(evaluation={"every": 2, "data": )", data(1), "}"));
    }
    return words;
  }

  std::vector<std::string> shipped_run(const std::string& name, int64_t steps, int threads) const {
    std::vector<std::string> words = shipped_run(name, threads);
    words.push_back(concat("train.steps=", steps));
    return words;
  }

  // Of the shape of the config's own data.
  std::string data(int prefetch_threads) const {
    const DataConfig& data = loaded_.config.data;
    if (data.source == DataSourceKind::kRing) return R"({"source": "ring"})";
    if (data.source == DataSourceKind::kGrid) return R"({"source": "grid"})";
    const Shape x = sample_shape(data);
    return concat(R"({"source": "glyphs", "samples": 40, "flip": true, "size": [)", x.h, ", ", x.w,
                  R"(], "channels": )", x.c, R"(, "range": [)", data.range[0], ", ", data.range[1],
                  R"(], "prefetch_threads": )", prefetch_threads, "}");
  }

  const LoadedConfig loaded_;
};

TEST_P(ShippedRun, KilledAndResumedItEndsAsIfUndisturbed) {
  if (is_large(GetParam()) && !long_tests()) {
    GTEST_SKIP() << "a large network; set GANTRY_LONG_TESTS=1 to test it here";
  }
  const int64_t half = !long_tests() ? 2 : is_large(GetParam()) ? 5 : 100;
  std::vector<std::string> words = shipped_run("killed");
  words.push_back(concat("train.checkpoint_every=", half));
  Process process(words);
  wait_for_checkpoint("killed", process);
  process.send(SIGKILL);
  const Ending ending = process.wait();
  ASSERT_EQ(ending.signal, SIGKILL) << ending.output;
  const int64_t last = newest_step("killed") + half;
  const Ending resumed = run_gantry({"resume", dir("killed"), concat("train.steps=", last)});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  const Ending whole = run_gantry(shipped_run("whole", last, 1));
  ASSERT_EQ(whole.exit_code, 0) << whole.output;
  EXPECT_TRUE(result("whole", last) == result("killed", last));
  EXPECT_EQ(fs::exists(grid("whole", last)), !loaded_.config.objective.is_classifier());
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, ShippedRun, ::testing::ValuesIn(shipped()), test_name);

class RepeatedRun : public ShippedRun {};

TEST_P(RepeatedRun, IsTheSameBytesAgainAndWithMorePrefetchThreads) {
  const int64_t steps = long_tests() ? 200 : 6;
  for (const auto& [name, threads] : {std::pair("first", 1), {"again", 1}, {"two threads", 2}}) {
    const Ending ending = run_gantry(shipped_run(name, steps, threads));
    ASSERT_EQ(ending.exit_code, 0) << ending.output;
    EXPECT_TRUE(result("first", steps) == result(name, steps)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Some, RepeatedRun,
                         ::testing::Values("quickstart", "cgan-conv", "keras-mnist-gan",
                                           "mnist-classifier", "sngan"),
                         test_name);

}  // namespace
}  // namespace gantry
