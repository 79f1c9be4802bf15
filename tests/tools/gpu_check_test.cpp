// SPDX-License-Identifier: Apache-2.0
// What can be known of tools/gpu_check.sh without a GPU: its stages, options and tables.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <fstream>

#include "core/atomic_file.h"
#include "core/error.h"
#include "tests/core/scratch_folder.h"

namespace gantry {
namespace {

struct ShellOutcome {
  int exit_code = -1;
  std::string output;
};

ShellOutcome shell(const std::string& command) {
  ShellOutcome outcome;
  FILE* pipe = popen(("cd " GANTRY_SOURCE_DIR " && " + command + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) {
    outcome.output.append(buffer, count);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

ShellOutcome check(const std::string& arguments) {
  return shell("bash tools/gpu_check.sh " + arguments);
}

TEST(GpuCheck, ADryRunNamesEveryStageAndWritesNothing) {
  testing::ScratchFolder scratch;
  const std::string out = (scratch.path() / "out").string();
  const ShellOutcome dry = check("--dry-run --out " + out + " all");
  EXPECT_EQ(dry.exit_code, 0) << dry.output;
  for (const char* part : {"== build\n",
                           "-DGANTRY_CUDA=ON",
                           "== suite\n",
                           "GANTRY_TEST_BACKENDS=cuda",
                           "== parity\n",
                           "All/BackendParity",
                           "OnGpu",
                           "parts-is-whole",
                           "launches-is-whole",
                           "from-host-is-whole",
                           "== ranks\n",
                           "OnGpu.NcclOfOneRank",
                           "--local-rank",
                           "exact-two-is-one",
                           "== sanitize\n",
                           "--tool memcheck",
                           "--tool racecheck",
                           "--tool initcheck",
                           "--tool synccheck",
                           "--allocator direct",
                           "== bandwidth\n",
                           "bench_device_memory cuda",
                           "== speed\n",
                           "train.batch=2048",
                           "dcgan-28-128-fp32",
                           "PRECISION=fp16",
                           "== train\n",
                           "configs/keras-cifar-frogs.json",
                           "== tables\n",
                           "gpu_check: all passed"}) {
    EXPECT_NE(dry.output.find(part), std::string::npos) << part << "\n" << dry.output;
  }
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(GpuCheck, StagesCanBeRunOneByOne) {
  const ShellOutcome one = check("--dry-run sanitize-racecheck speed-512 train-mnist-dcgan");
  EXPECT_EQ(one.exit_code, 0) << one.output;
  EXPECT_NE(one.output.find("racecheck-kernels"), std::string::npos);
  EXPECT_EQ(one.output.find("memcheck"), std::string::npos);
  EXPECT_EQ(one.output.find("train.batch=2048"), std::string::npos);
  EXPECT_EQ(one.output.find("frogs"), std::string::npos);
}

TEST(GpuCheck, MisuseIsRefused) {
  const std::pair<const char*, const char*> table[] = {
      {"--dry-run al", "no stage al"},
      {"--dry-run speed-100", "no stage speed-100"},
      {"--fast build", "no option --fast"},
      {"--dry-run --limit 0 build", "--limit 0: give seconds"},
      {"--out", "--out needs a value"},
  };
  for (const auto& [arguments, says] : table) {
    const ShellOutcome outcome = check(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_NE(outcome.output.find(says), std::string::npos) << outcome.output;
  }
  EXPECT_EQ(check("").exit_code, 2);
}

TEST(GpuCheck, WithoutAGpuItSaysSo) {
  if (shell("nvidia-smi -L").exit_code == 0) GTEST_SKIP() << "there is a GPU here";
  const ShellOutcome outcome = check("suite");
  EXPECT_EQ(outcome.exit_code, 5) << outcome.output;
  EXPECT_NE(outcome.output.find("no GPU here"), std::string::npos) << outcome.output;
}

TEST(GpuCheck, TablesComeFromWhatWasFound) {
  if (shell("python3 --version").exit_code != 0) GTEST_SKIP() << "no python3: tables not tested";
  testing::ScratchFolder scratch;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(scratch.path() / name) << text;
  };
  write(
      "gpu-results.jsonl",
      R"({"stage": "suite", "name": "kernels", "passed": false, "seconds": 3, "found": "status 1"})"
      "\n"
      R"({"stage": "suite", "name": "kernels", "passed": true, "seconds": 4, "found": null})"
      "\n"
      R"({"stage": "speed", "name": "x-fp16", "passed": null, "seconds": 0, "found": "not built: y"})"
      "\n");
  write("speed.jsonl",
        R"({"config": "dcgan-28", "batch": 128, "precision": "bf16", "engine": "graph", )"
        R"("images_per_second": {"gantry": 30000.0, "pytorch": 10000.0}, )"
        R"("device_bytes": {"gantry": 1.0, "pytorch": 2.0}})"
        "\n");
  write("bandwidth-kernels.log", "  norm forward      0.250 ms   4000.5 GB/s  0.93 of copy\n");
  write("parity-configs.log",
        "quickstart     after 20 steps: losses within 1.0e-06, weights within 2.0e-04 of their "
        "way\n");
  write("build-doctor.log", "ok  cuda        cuda:0 (NVIDIA H200, sm_90)\n");
  const ShellOutcome outcome = shell("python3 tools/gpu_tables.py " + scratch.path().string());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  for (const char* part :
       {"## GPU: cuda:0 (NVIDIA H200, sm_90), commit ", "| suite | kernels | passed | 4 |",
        "| speed | x-fp16 | not built: y | 0 |",
        "| dcgan-28 | 128 | bf16 | 30,000 | 10,000 (graph) | 3.00 | 0.50 |",
        "| norm forward | 0.250 | 4,000 | 0.93 |", "| quickstart | 1.0e-06 | 2.0e-04 |"}) {
    EXPECT_NE(outcome.output.find(part), std::string::npos) << part << "\n" << outcome.output;
  }
  EXPECT_EQ(outcome.output.find("FAILED"), std::string::npos);
  EXPECT_EQ(read_file(scratch.path() / "gpu-tables.md"), outcome.output);
}

}  // namespace
}  // namespace gantry
