// SPDX-License-Identifier: Apache-2.0
#include "core/world.h"

#include <gtest/gtest.h>

#include <map>

#include "core/error.h"

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
  EXPECT_THROW(world({{"PMI_RANK", "1x"}, {"PMI_SIZE", "8"}}), EnvironmentError);
}

}  // namespace
}  // namespace gantry
