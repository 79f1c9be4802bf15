// SPDX-License-Identifier: Apache-2.0
// Ranks that are processes, under a real mpirun: the same bytes as one process in exact mode, what
// they say when something is wrong, and how they end.
#include "kernels/ranks.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "core/philox.h"
#include "tests/tools/run_fixture.h"

namespace gantry {
namespace {

// Of each rank of the processes that name `run` on their command line.
std::map<int, pid_t> processes_of(const std::string& run) {
  std::map<int, pid_t> found;
  const std::string variable = "OMPI_COMM_WORLD_RANK=";
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto contents = [&](const char* file) {
      std::ifstream in(entry.path() / file);
      return std::string(std::istreambuf_iterator<char>(in), {});
    };
    if (contents("cmdline").find(run) == std::string::npos) continue;
    const std::string environment = contents("environ");
    const size_t at = environment.find(variable);
    if (at == std::string::npos) continue;
    found[std::atoi(environment.c_str() + at + variable.size())] = std::atoi(name.c_str());
  }
  return found;
}

class Ranks : public Run {
 protected:
  void SetUp() override {
    if (!has_mpi()) GTEST_SKIP() << "several processes not run: no MPI in this build";
  }

  static std::vector<std::string> launched(int ranks, const std::vector<std::string>& words) {
    std::vector<std::string> all = {"launch", "-n", std::to_string(ranks)};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  std::vector<std::string> exact(const std::string& name, int64_t steps,
                                 std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"threads=1", "distributed.virtual_ranks=4"});
    return train(name, steps, more);
  }

  // What rank `rank` left behind when it gave up.
  nlohmann::json left_by(const std::string& name, int rank) const {
    const fs::path file = fs::path(dir(name)) / "collectives" / concat("rank-", rank, ".json");
    return nlohmann::json::parse(read_file(file));
  }

  // A rank that waited has said whom it missed and what it was doing.
  void check_dump(const std::string& name, int waiting, int lost) const {
    const nlohmann::json dump = left_by(name, waiting);
    const std::string cause = dump.at("cause");
    EXPECT_TRUE(cause.starts_with(concat("rank ", lost, " did not come to "))) << cause;
    const nlohmann::json& all = dump.at("collectives");
    ASSERT_FALSE(all.empty());
    EXPECT_LE(all.size(), CollectiveHistory::kKept);
    for (const auto& one : all) EXPECT_EQ(one.contains("took_s"), one != all.back()) << one;
  }

  // How training goes on, and what it comes to, after rank 1 of 2 got this signal.
  void lose_a_rank(int signal) {
    // Longer than a save takes on a busy machine, shorter than the test waits.
    Process process(launched(
        2, exact("lost", 100000, {"train.checkpoint_every=5", "distributed.timeout_s=8"})));
    wait_for_checkpoint("lost", process);
    const std::map<int, pid_t> ranks = processes_of(dir("lost"));
    ASSERT_EQ(ranks.size(), 2U);
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(kill(ranks.at(1), signal), 0);
    const Ending ending = process.wait(60);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(ending.exit_code, 11) << ending.output;
    EXPECT_LT(took.count(), 40);
    EXPECT_NE(ending.output.find("rank 1 did not come to"), std::string::npos) << ending.output;
    EXPECT_TRUE(processes_of(dir("lost")).empty());
    check_dump("lost", 0, 1);
    const int64_t saved = newest_step("lost");
    const std::vector<std::string> goes_on = {"resume", dir("lost"),
                                              concat("train.steps=", saved + 4)};
    EXPECT_EQ(run_gantry(goes_on).exit_code, 0);
    ASSERT_EQ(run_gantry(exact("whole", saved + 4)).exit_code, 0);
    EXPECT_EQ(result("lost", saved + 4), result("whole", saved + 4));
  }
};

TEST_F(Ranks, InExactModeAnyNumberOfProcessesWritesTheSameBytes) {
  ASSERT_EQ(run_gantry(exact("one", 7)).exit_code, 0);
  for (const int ranks : {2, 4}) {
    const std::string name = concat("on", ranks);
    const Ending ending = run_gantry(launched(ranks, exact(name, 7)));
    ASSERT_EQ(ending.exit_code, 0) << ending.output;
    EXPECT_EQ(result(name, 7), result("one", 7)) << ranks;
  }
}

// Exchanges within a step, each compared before it begins.
TEST_F(Ranks, ShareStatisticsOfABatch) {
  for (const char* name : {"first", "second"}) {
    const Ending ending = run_gantry(
        launched(2, train(name, 4,
                          {"threads=1", "distributed.compare_operations=true",
                           R"(objective.top_k={"nu": 0.5, "gamma": 0.5, "every": 1})",
                           R"(objective.lecam={"weight": 0.3, "start": 1})",
                           R"(objective.augmentation={"type": "ada", "every": 1, "span": 100})"})));
    ASSERT_EQ(ending.exit_code, 0) << ending.output;
  }
  EXPECT_EQ(result("first", 4), result("second", 4));
}

TEST_F(Ranks, StopTogetherAndGoOnWithAnotherNumber) {
  Process process(launched(4, exact("stopped", 100000)));
  wait_for_checkpoint("stopped", process);
  process.send(SIGTERM);
  const Ending ending = process.wait(60);
  EXPECT_EQ(ending.exit_code, 75) << ending.output;
  const int64_t step = newest_step("stopped"), last = step + 3;
  const Ending resumed =
      run_gantry(launched(2, {"resume", dir("stopped"), concat("train.steps=", last)}));
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(run_gantry(exact("whole", last)).exit_code, 0);
  EXPECT_EQ(result("stopped", last), result("whole", last));
}

TEST_F(Ranks, ALostProcessIsNoticedInTime) { lose_a_rank(SIGKILL); }

TEST_F(Ranks, AHangingProcessIsNoticedInTime) { lose_a_rank(SIGSTOP); }

// The kernel ends or stops any rank in the midst of training, over and over.
TEST_F(Ranks, LostAtRandomMomentsTheRunEndsAsIfUndisturbed) {
  const int losses = std::getenv("GANTRY_LONG_TESTS") ? 100 : 2;
  const std::vector<std::string> settings = {"train.checkpoint_every=5", "distributed.timeout_s=4"};
  const RandomKey key = random_key(12, Purpose::kShuffle);
  for (int i = 0; i < losses; ++i) {
    const PhiloxBlock draws = random_block(key, static_cast<uint64_t>(i), 0, 0);
    const auto& draw = draws.v;
    const int64_t before = newest_step("lost");
    Process process(launched(4, before == 0 ? exact("lost", 1000000, settings)
                                            : std::vector<std::string>{"resume", dir("lost")}));
    for (int k = 0; k < 6000 && newest_step("lost") == before && process.running(); ++k) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(draw[0] % 300'000));
    const std::map<int, pid_t> ranks = processes_of(dir("lost"));
    ASSERT_EQ(ranks.size(), 4U) << process.wait(0).output;
    const int lost = static_cast<int>(draw[1] % 4);
    ASSERT_EQ(kill(ranks.at(lost), draw[2] % 2 == 0 ? SIGKILL : SIGSTOP), 0);
    const Ending ending = process.wait(60);
    ASSERT_EQ(ending.exit_code, 11) << ending.output;
    ASSERT_TRUE(processes_of(dir("lost")).empty());
    check_dump("lost", (lost + 1) % 4, lost);
  }
  const int64_t last = newest_step("lost") + 7;
  const Ending resumed =
      run_gantry(launched(2, {"resume", dir("lost"), concat("train.steps=", last)}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  ASSERT_EQ(run_gantry(exact("whole", last)).exit_code, 0);
  EXPECT_EQ(result("lost", last), result("whole", last));
}

TEST_F(Ranks, ComparedOperationsChangeNothing) {
  ASSERT_EQ(run_gantry(exact("one", 6)).exit_code, 0);
  const Ending ending =
      run_gantry(launched(2, exact("compared", 6, {"distributed.compare_operations=true"})));
  ASSERT_EQ(ending.exit_code, 0) << ending.output;
  EXPECT_EQ(result("compared", 6), result("one", 6));
}

TEST_F(Ranks, AnotherNumberOfThemIsRefusedWithoutExactMode) {
  const Ending first = run_gantry(launched(2, train("two", 5, {"threads=1"})));
  ASSERT_EQ(first.exit_code, 0) << first.output;
  const std::vector<std::string> goes_on = {"resume", dir("two"), "train.steps=8"};
  const Ending refused = run_gantry(goes_on);
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_NE(refused.output.find("step 5 was trained on 2 ranks, and this is 1"), std::string::npos)
      << refused.output;
  const Ending accepted = run_gantry({"resume", dir("two"), "train.steps=8", "--elastic"});
  EXPECT_EQ(accepted.exit_code, 0) << accepted.output;
  EXPECT_NE(accepted.output.find("2 to step 5"), std::string::npos) << accepted.output;
}

TEST_F(Ranks, DoctorTellsWhatTheyHaveInCommon) {
  const std::string folder = scratch_.path().string();
  const Ending ending = run_gantry(launched(2, {"doctor", "--cluster", folder}));
  EXPECT_EQ(ending.exit_code, 0) << ending.output;
  for (const char* part : {"2 ranks, started by Open MPI", "libraries", ", on all ranks",
                           ": 2 ranks (0 to 1), ", "16384 KiB in "}) {
    EXPECT_NE(ending.output.find(part), std::string::npos) << part << ending.output;
  }
  const Ending alone = run_gantry({"doctor", "--cluster", folder});
  EXPECT_EQ(alone.exit_code, 2) << alone.output;
}

TEST_F(Ranks, SayWhatIsWrongOnce) {
  const Ending ending = run_gantry(launched(3, train("odd", 5)));
  EXPECT_EQ(ending.exit_code, 2) << ending.output;
  const std::string message = "16 samples do not divide into 3 equal shards";
  const size_t at = ending.output.find(message);
  ASSERT_NE(at, std::string::npos) << ending.output;
  EXPECT_EQ(ending.output.find(message, at + 1), std::string::npos) << ending.output;
  EXPECT_FALSE(fs::exists(dir("odd")));
}

}  // namespace
}  // namespace gantry
