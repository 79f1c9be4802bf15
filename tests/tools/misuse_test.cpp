// SPDX-License-Identifier: Apache-2.0
// What the real binary says to wrong usage and damaged runs: its code, the place, the remedy.
#include "tests/tools/run_fixture.h"

namespace gantry {
namespace {

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
      {{"sample", dir("run"), "--step", "3", "--out", dir("x.png")}, 4, "it has 5, 6"},
      {{"sample", dir("run"), "--grid", "1000x1000", "--out", dir("x.png")}, 12, "--out NAME.npy"},
      {{"sample", dir("run"), "--count", "10000000", "--out", dir("x.png")},
       12,
       "Choose a smaller --grid or --count; an array (--out NAME.npy)"},
      {{"sample", dir("run"), "--interpolate", "5000", "--out", dir("x.webp")},
       12,
       "--interpolate"},
      {{"train", config(), "discriminator.layers.7.units=2"}, 2, "tiny.json: /discriminator"},
      {{"train", config(), "generator.layers.1.shape=[8,4,3]"}, 2, "tiny.json: /generator"},
      {{"train", config(), "train.best_metric=g.los"}, 2, "tiny.json: /train/best_metric"},
      {{"plan", config(), "train.best_metric=g.los"}, 2, "this run has d.loss, "},
      {{"train", config(), "data.classes=[77]"}, 2, "tiny.json: data.classes"},
      {{"train", config(), "data.size=16384", "--dry-run"}, 12, "data.memory_mb"},
      {{"plan", config(), "data.size=16384"}, 12, "data.memory_mb"},
      {{"train", config(), "--out", dir("run"), "data={\"source\":\"mnist\",\"path\":\"/no\"}"},
       2,
       "already holds a run"},
      {{"train", config(), "--out", config() + "/run",
        "data={\"source\":\"mnist\",\"path\":\"/no\"}"},
       13,
       "cannot create the folder"},
      {{"data", "info", config(), "data.classes=[77]"}, 2, "tiny.json: data.classes"},
      {{"train", dir("run")}, 2, "is the folder of a run: continue it with `gantry resume"},
      {{"trace", config(), "--out", dir("run")}, 2, "is the folder of a run"},
      {{"trace", config(), "--out", config()}, 2, "is a file; name a folder"},
      {{"sample", dir("run"), "--out", dir("run")}, 2, "is the folder of a run"},
      {{"resume", dir("run"), "steps=9"}, 2, "did you mean \"train.steps=9\"?"},
      {{"resume", dir("run")}, 0, "all 6 are done; train.steps=12 would go on"},
  };
  for (const auto& c : cases) {
    const Ending ending = run_gantry(c.arguments);
    EXPECT_EQ(ending.exit_code, c.code) << c.part << "\n" << ending.output;
    EXPECT_NE(ending.output.find(c.part), std::string::npos) << ending.output;
  }
}

TEST_F(Run, DamageIsToldWithARemedy) {
  ASSERT_EQ(run_gantry(train("run", 6)).exit_code, 0);
  fs::copy(dir("run"), dir("broken"), fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator(dir("broken"))) {
    if (entry.path().extension() == ".safetensors") fs::resize_file(entry.path(), 100);
  }
  const Ending broken = run_gantry({"resume", dir("broken")});
  EXPECT_EQ(broken.exit_code, 4);
  EXPECT_NE(broken.output.find("start again: gantry train " + dir("broken") + "/config.json"),
            std::string::npos)
      << broken.output;
  fs::remove_all(dir("broken") + "/checkpoints");
  const Ending none = run_gantry({"sample", dir("broken"), "--out", dir("x.png")});
  EXPECT_EQ(none.exit_code, 4);
  EXPECT_NE(none.output.find("has no checkpoint yet"), std::string::npos) << none.output;
  std::string config = read_file(fs::path(dir("run")) / "config.json");
  config.replace(config.find("\"channels\": 12"), 14, "\"channels\": 13");
  std::ofstream(fs::path(dir("run")) / "config.json") << config;
  const Ending changed = run_gantry({"sample", dir("run"), "--out", dir("x.png")});
  EXPECT_EQ(changed.exit_code, 4);
  EXPECT_NE(changed.output.find("put it back as it was"), std::string::npos) << changed.output;
  config.replace(config.find("\"channels\": 1,"), 14, "\"channels\": 3,");
  std::ofstream(fs::path(dir("run")) / "config.json") << config;
  const Ending unfit = run_gantry({"sample", dir("run"), "--out", dir("x.png")});
  EXPECT_EQ(unfit.exit_code, 2);
  EXPECT_NE(unfit.output.find("config.json: /"), std::string::npos) << unfit.output;
}

TEST_F(Run, ADryRunNamesTheDataOnce) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"plan", config()}, {"train", config(), "--dry-run"}}) {
    const Ending ending = run_gantry(words);
    const std::string data = "drawn glyphs: 96 samples of 1x8x8";
    const size_t first = ending.output.find(data);
    ASSERT_NE(first, std::string::npos) << ending.output;
    EXPECT_EQ(ending.output.find(data, first + 1), std::string::npos) << ending.output;
  }
}

}  // namespace
}  // namespace gantry
