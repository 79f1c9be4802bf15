// SPDX-License-Identifier: Apache-2.0
#include "core/world.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "core/error.h"
#include "core/node_list.h"

namespace gantry {
namespace {

using Variables = std::map<std::string, std::string>;

World world(const Variables& variables) {
  return find_world([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

const Variables kTorchrun = {{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}};
const Variables kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "2"},
                            {"OMPI_COMM_WORLD_SIZE", "4"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "2"}};
const Variables kSlurm = {
    {"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "16"}, {"SLURM_LOCALID", "3"}};
const Variables kMpich = {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}};

Variables operator+(Variables a, const Variables& b) {
  a.insert(b.begin(), b.end());
  return a;
}

TEST(World, IsAloneWithoutALauncher) {
  EXPECT_TRUE(world({}).alone());
  EXPECT_EQ(world({}).launcher, "");
}

TEST(World, ReadsEveryLauncher) {
  for (const auto& [variables, rank, size, local, name] :
       {std::tuple(kTorchrun, 5, 8, 1, "torchrun"), std::tuple(kOpenMpi, 2, 4, 2, "Open MPI"),
        std::tuple(kSlurm, 3, 16, 3, "Slurm"), std::tuple(kMpich, 1, 2, 0, "MPICH")}) {
    const World found = world(variables);
    EXPECT_EQ(found.launcher, name);
    EXPECT_EQ(found.rank, rank) << name;
    EXPECT_EQ(found.size, size) << name;
    EXPECT_EQ(found.local_rank, local) << name;
  }
}

TEST(World, TakesTheInnermostLauncher) {
  EXPECT_EQ(world(kTorchrun + kOpenMpi + kSlurm).launcher, "torchrun");
  EXPECT_EQ(world(kOpenMpi + kSlurm + kMpich).launcher, "Open MPI");
  EXPECT_EQ(world(kSlurm + kMpich).launcher, "Slurm");
}

TEST(World, TakesABatchScriptForAlone) {
  EXPECT_TRUE(
      world({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_LOCALID", "0"}}).alone());
}

TEST(World, RefusesContradictions) {
  EXPECT_THROW(world({{"RANK", "8"}, {"WORLD_SIZE", "8"}}), EnvironmentError);
  EXPECT_THROW(world({{"RANK", "-1"}, {"WORLD_SIZE", "8"}}), EnvironmentError);
  EXPECT_THROW(world({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "2"}}), EnvironmentError);
  EXPECT_THROW(world({{"PMI_RANK", "1x"}, {"PMI_SIZE", "8"}}), EnvironmentError);
  EXPECT_THROW(world(kTorchrun + Variables{{"MASTER_PORT", "70000"}}), EnvironmentError);
  EXPECT_THROW(world(kSlurm + Variables{{"GANTRY_PORT", "0"}}), EnvironmentError);
  EXPECT_THROW(world(kSlurm + Variables{{"SLURM_STEP_NODELIST", "a[1-"}}), EnvironmentError);
}

TEST(World, MeetsWhereTorchrunSays) {
  const Variables master = {{"MASTER_ADDR", "node1"},
                            {"MASTER_PORT", "29500"},
                            {"TORCHELASTIC_RUN_ID", "cats"},
                            {"TORCHELASTIC_RESTART_COUNT", "2"}};
  const World found = world(kTorchrun + master);
  EXPECT_EQ(found.host, "node1");
  EXPECT_EQ(found.port, 29500);
  EXPECT_EQ(found.job, "cats.2");
  EXPECT_FALSE(found.by_mpi);
  EXPECT_EQ(world(kTorchrun + master + Variables{{"TORCHELASTIC_USE_AGENT_STORE", "True"}}).port,
            29501);
  EXPECT_EQ(world(kTorchrun + master + Variables{{"GANTRY_PORT", "7777"}}).port, 7777);
}

TEST(World, TakesAnIndexedJobThatKnowsItsSize) {
  const Variables pod = {{"JOB_COMPLETION_INDEX", "3"}};
  EXPECT_TRUE(world(pod).alone()) << "each pod for itself";
  const World found = world(
      pod + Variables{{"WORLD_SIZE", "4"}, {"MASTER_ADDR", "job-0.job"}, {"MASTER_PORT", "9"}});
  EXPECT_EQ(found.launcher, "Kubernetes");
  EXPECT_EQ(found.rank, 3);
  EXPECT_EQ(found.size, 4);
  EXPECT_EQ(found.host, "job-0.job");
}

TEST(World, AStepMeetsAtTheFirstOfItsNodes) {
  const Variables job = {{"SLURM_JOB_ID", "1234567"},
                         {"SLURM_STEP_ID", "1"},
                         {"SLURM_STEP_NODELIST", "gpu[07-09,12],login"}};
  const World found = world(kSlurm + job);
  EXPECT_EQ(found.host, "gpu07");
  EXPECT_EQ(found.port, 19567);
  EXPECT_EQ(found.job, "1234567.1.0");
  EXPECT_FALSE(found.by_mpi);
  EXPECT_TRUE(world(kSlurm + job + Variables{{"PMIX_RANK", "3"}}).by_mpi);
  EXPECT_TRUE(world(kOpenMpi).by_mpi);
  EXPECT_EQ(world(kOpenMpi).host, "");
}

World flagged(const WorldFlags& flags, const Variables& variables = {}) {
  return find_world(
      [&](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      },
      flags);
}

TEST(World, TheCommandLineGoesBeforeEveryLauncher) {
  const World found = flagged({1, 3, 1, "node7:4000", "mine", 12}, kTorchrun);
  EXPECT_EQ(found.rank, 1);
  EXPECT_EQ(found.size, 3);
  EXPECT_EQ(found.local_rank, 1);
  EXPECT_EQ(found.host, "node7");
  EXPECT_EQ(found.port, 4000);
  EXPECT_EQ(found.job, "mine");
  EXPECT_EQ(found.join_timeout, 12);
  EXPECT_EQ(found.launcher, "the command line");
  const World met = flagged({.rendezvous = "[fd00::5]:29500"}, kOpenMpi);
  EXPECT_EQ(met.rank, 2);
  EXPECT_EQ(met.host, "fd00::5");
  EXPECT_EQ(met.port, 29500);
  EXPECT_FALSE(met.by_mpi) << "sockets were asked for";
}

TEST(World, RefusesFlagsThatContradict) {
  EXPECT_THROW(flagged({.rank = 1}), ConfigError);
  EXPECT_THROW(flagged({.size = 2}), ConfigError);
  EXPECT_THROW(flagged({2, 2}), ConfigError);
  EXPECT_THROW(flagged({0, 2, 2}), ConfigError);
  EXPECT_THROW(flagged({.rendezvous = "node1:29500"}), ConfigError) << "alone";
  for (const char* place : {"node1", "node1:", ":29500", "node1:0", "node1:70000", "node1:2x",
                            "fd00::5:29500", "[]:29500", "[fd00::5]"}) {
    EXPECT_THROW(flagged({0, 2, {}, place}), ConfigError) << place;
  }
}

TEST(NodeList, BeginsWithTheFirstHost) {
  for (const auto& [list, first] :
       std::map<std::string, std::string>{{"a", "a"},
                                          {"a,b", "a"},
                                          {" node-3.cluster", "node-3.cluster"},
                                          {"a[1-3,7],b", "a1"},
                                          {"a[7]", "a7"},
                                          {"a[007-010]", "a007"},
                                          {"r[1-2]n[05-08]x,c", "r1n05x"}}) {
    EXPECT_EQ(first_node(list), first) << list;
  }
}

TEST(NodeList, RefusesWhatIsNone) {
  for (const char* list : {"", " ", ",a", "a[", "a[1", "a[]", "a[1-]", "a[-1]", "a[3-1]", "a[1,,2]",
                           "a[x]", "a]", "a b", "a[1-2-3]", "a[99999999999]", "a;b", "a[1[2]]"}) {
    EXPECT_THROW(first_node(list), std::invalid_argument) << list;
  }
}

}  // namespace
}  // namespace gantry
