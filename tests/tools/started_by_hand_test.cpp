// SPDX-License-Identifier: Apache-2.0
// Ranks that are processes which no MPI has started: as torchrun would start them, and by flags.
// The same bytes as one process in exact mode and as under mpirun, what they say when they do not
// meet, and how they end.
#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/cluster/socket.h"
#include "kernels/ranks.h"
#include "tests/ranks/free_port.h"
#include "tests/tools/run_fixture.h"

namespace gantry {
namespace {

constexpr const char* kHere = "127.0.0.1";

class StartedByHand : public Run {
 protected:
  using Started = std::vector<std::unique_ptr<Process>>;

  static std::unique_ptr<Process> by_flags(int rank, int size, int port,
                                           std::vector<std::string> words) {
    const std::vector<std::string> flags = {
        "--rank",       std::to_string(rank), "--world-size", std::to_string(size),
        "--local-rank", std::to_string(rank), "--rendezvous", concat(kHere, ':', port)};
    words.insert(words.begin() + 1, flags.begin(), flags.end());
    return std::make_unique<Process>(words);
  }

  static std::unique_ptr<Process> by_variables(int rank, int size, int port,
                                               const std::vector<std::string>& words) {
    return std::make_unique<Process>(
        words,
        Process::Limits{.environment = {concat("RANK=", rank), concat("WORLD_SIZE=", size),
                                        concat("LOCAL_RANK=", rank), concat("MASTER_ADDR=", kHere),
                                        concat("MASTER_PORT=", port)}});
  }

  static Started start(int size, const std::vector<std::string>& words) {
    const int port = free_port();
    Started all;
    // Rank 0, where the others are to meet, comes last.
    for (int rank = size - 1; rank >= 0; --rank) {
      all.insert(all.begin(), by_flags(rank, size, port, words));
    }
    return all;
  }

  static void expect_success(const Started& all) {
    for (const auto& process : all) {
      const Ending ending = process->wait();
      EXPECT_EQ(ending.exit_code, 0) << ending.output;
    }
  }

  // It has ended with this code, and said all of these.
  static void expect_refusal(Process& process, int exit_code,
                             const std::vector<std::string>& parts) {
    const Ending ending = process.wait(30);
    EXPECT_EQ(ending.exit_code, exit_code) << ending.output;
    for (const std::string& part : parts) {
      EXPECT_NE(ending.output.find(part), std::string::npos)
          << '"' << part << "\" is not in: " << ending.output;
    }
  }

  std::vector<std::string> exact(const std::string& name, int64_t steps,
                                 std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"threads=1", "distributed.virtual_ranks=4"});
    return train(name, steps, more);
  }

  std::vector<std::string> hurried(const std::string& seconds) const {
    std::vector<std::string> words = train("none", 5);
    words.insert(words.end(), {"--join-timeout", seconds});
    return words;
  }

  // How training ends, and what it comes to, after rank 1 of 2 got this signal.
  void lose_a_rank(int signal, const std::string& how) {
    Started all =
        start(2, exact("lost", 100000, {"train.checkpoint_every=5", "distributed.timeout_s=5"}));
    wait_for_checkpoint("lost", *all[0]);
    const auto begun = std::chrono::steady_clock::now();
    all[1]->send(signal);
    expect_refusal(*all[0], 11, {"rank 1 on ", " (127.0.0.1:", how});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    EXPECT_LT(took.count(), 20);
    const fs::path dump = fs::path(dir("lost")) / "collectives" / "rank-0.json";
    EXPECT_TRUE(nlohmann::json::parse(read_file(dump))
                    .at("cause")
                    .get<std::string>()
                    .starts_with("rank 1 on "));
    // One that was only stopped hears why it was left behind.
    if (signal == SIGSTOP) {
      all[1]->send(SIGCONT);
      expect_refusal(*all[1], 11, {"rank 1 on ", how});
    }
    const int64_t saved = newest_step("lost");
    const std::string steps = concat("train.steps=", saved + 4);
    expect_success(start(4, {"resume", dir("lost"), steps}));
    ASSERT_EQ(run_gantry(exact("whole", saved + 4)).exit_code, 0);
    EXPECT_EQ(result("lost", saved + 4), result("whole", saved + 4));
  }
};

TEST_F(StartedByHand, InExactModeTheyWriteTheBytesOfOneProcess) {
  ASSERT_EQ(run_gantry(exact("one", 7)).exit_code, 0);
  for (const int size : {2, 4}) {
    const std::string flags = concat("flags", size), variables = concat("variables", size);
    expect_success(start(size, exact(flags, 7)));
    EXPECT_EQ(result(flags, 7), result("one", 7)) << size;
    const int port = free_port();
    Started all;
    for (int rank = 0; rank < size; ++rank) {
      all.push_back(by_variables(rank, size, port, exact(variables, 7)));
    }
    expect_success(all);
    EXPECT_EQ(result(variables, 7), result("one", 7)) << size;
  }
}

TEST_F(StartedByHand, TheyWriteTheBytesOfThoseThatMpiJoins) {
  if (!has_mpi()) GTEST_SKIP() << "not compared: no MPI in this build";
  std::vector<std::string> words = train("mpi", 7, {"threads=1"});
  words.insert(words.begin(), {"launch", "-n", "4"});
  ASSERT_EQ(run_gantry(words).exit_code, 0);
  expect_success(start(4, train("tcp", 7, {"threads=1"})));
  EXPECT_EQ(result("tcp", 7), result("mpi", 7));
}

TEST_F(StartedByHand, MpirunJoinsByTcpWhereThatIsAskedFor) {
  if (!has_mpi()) GTEST_SKIP() << "mpirun not run: no MPI in this build";
  const std::string folder = scratch_.path().string();
  Process ranks({"launch", "-n", "2", "doctor", "--cluster", folder, "--rendezvous",
                 concat(kHere, ':', free_port())});
  expect_refusal(ranks, 0, {"TCP, 2 ranks, started by Open MPI"});
}

TEST_F(StartedByHand, DoctorMeasuresThem) {
  const Started all = start(2, {"doctor", "--cluster", scratch_.path().string()});
  expect_refusal(*all[0], 0, {"TCP, 2 ranks, started by the command line", "16384 KiB in "});
  expect_success(all);
}

TEST_F(StartedByHand, TheyRefuseToTrainWithDifferentConfigs) {
  const int port = free_port();
  const auto first = by_flags(0, 2, port, train("apart", 5)),
             second = by_flags(1, 2, port, train("apart", 6));
  expect_refusal(*first, 2, {"rank 1 on ", "\"steps\": 6", "rank 0's has \"steps\": 5"});
  expect_refusal(*second, 2, {});
  EXPECT_FALSE(fs::exists(dir("apart")));
}

TEST_F(StartedByHand, TheyRefuseToGoOnWithDifferentConfigs) {
  ASSERT_EQ(run_gantry(exact("apart", 3)).exit_code, 0);
  const std::string config = (fs::path(dir("apart")) / "config.json").string();
  const std::string before = read_file(config);
  const int port = free_port();
  const auto first = by_flags(0, 2, port, {"resume", dir("apart"), "train.steps=5"}),
             second = by_flags(1, 2, port, {"resume", dir("apart"), "train.steps=6"});
  expect_refusal(*first, 2, {"rank 1 on ", "\"steps\": 6", "rank 0's has \"steps\": 5"});
  expect_refusal(*second, 2, {});
  EXPECT_EQ(read_file(config), before);
}

TEST_F(StartedByHand, StopTogether) {
  const Started all = start(2, exact("stopped", 100000));
  wait_for_checkpoint("stopped", *all[0]);
  all[1]->send(SIGTERM);
  for (const auto& process : all) expect_refusal(*process, 75, {});
}

TEST_F(StartedByHand, ALostProcessIsNoticedAtOnce) {
  lose_a_rank(SIGKILL, "its connection is lost");
}

TEST_F(StartedByHand, AHangingProcessIsNoticedInTime) { lose_a_rank(SIGSTOP, " within 5 s"); }

TEST_F(StartedByHand, AMissingRankIsNamedToAllThatAreThere) {
  const int port = free_port();
  const auto first = by_flags(0, 3, port, hurried("2")), third = by_flags(2, 3, port, hurried("2"));
  for (Process* process : {first.get(), third.get()}) {
    expect_refusal(
        *process, 5,
        {"rank 1 never joined rank 0 on ", concat(" at 127.0.0.1:", port, " within 2 s")});
  }
  EXPECT_FALSE(fs::exists(dir("none")));
}

TEST_F(StartedByHand, ADuplicateRankIsNamed) {
  const int port = free_port();
  const auto first = by_flags(0, 3, port, hurried("20")), one = by_flags(1, 3, port, hurried("20")),
             other = by_flags(1, 3, port, hurried("20"));
  for (Process* process : {first.get(), one.get(), other.get()}) {
    expect_refusal(*process, 5, {"rank 1 on ", "(127.0.0.1:", "is there twice"});
  }
}

TEST_F(StartedByHand, TwoJobsOnOnePortAreToldApart) {
  const int port = free_port();
  const auto of = [&](int rank, const char* job) {
    std::vector<std::string> words = hurried("20");
    words.insert(words.end(), {"--job-id", job});
    return by_flags(rank, 2, port, words);
  };
  // Rank 0 of "a" waits for its rank 1.
  const auto a0 = of(0, "a");
  const Deadline deadline(10);
  ASSERT_TRUE(connect_to(kHere, port, deadline).open());
  const auto b0 = of(0, "b"), b1 = of(1, "b");
  expect_refusal(*b0, 5, {concat("cannot listen at port ", port), "--rendezvous"});
  expect_refusal(*b1, 5, {concat("127.0.0.1:", port), "job \"a\" meets here", "is of job \"b\""});
  const auto a1 = of(1, "a");
  expect_refusal(*a0, 0, {});
  expect_refusal(*a1, 0, {});
}

TEST_F(StartedByHand, SomethingElseAtThePortIsRecognised) {
  const Socket listener = listen_at(kHere, 0);
  const int port = listener.local_port();
  const auto process = by_flags(1, 2, port, hurried("2"));
  ASSERT_TRUE(wait_for(listener, POLLIN, Deadline(20)));
  const Socket guest = accept_from(listener);
  const std::string banner = "220 mail.example ESMTP\r\n";
  send_all(guest, {reinterpret_cast<const uint8_t*>(banner.data()), banner.size()}, Deadline(20));
  expect_refusal(*process, 5,
                 {"rank 1 on ", concat("127.0.0.1:", port), "is no gantry: it sent \"220 mail.ex"});
}

TEST_F(StartedByHand, WhatIsNotSaidIsAskedFor) {
  Process nowhere(hurried("2"), {.environment = {"RANK=0", "WORLD_SIZE=2"}});
  expect_refusal(nowhere, 5, {"torchrun started 2 ranks", "MASTER_ADDR", "--rendezvous"});
  std::vector<std::string> words = hurried("2");
  words.insert(words.end(), {"--rank", "1"});
  Process half(words);
  expect_refusal(half, 2, {"--rank and --world-size go together"});
}

}  // namespace
}  // namespace gantry
