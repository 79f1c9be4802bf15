// SPDX-License-Identifier: Apache-2.0
#include "core/world.h"

#include <charconv>
#include <cstdlib>

#include "core/error.h"

namespace gantry {
namespace {

struct Launcher {
  const char *name, *rank, *size, *local_rank;
};

constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"},
    {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"}};

int number(const Launcher& launcher, const char* name, const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  throw EnvironmentError(concat(name, "=", text, ": ", launcher.name,
                                " sets it to a number; unset it to train alone"));
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value && *value ? std::optional<std::string>(value) : std::nullopt;
  };
}

World find_world(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    const auto rank = environment(launcher.rank), size = environment(launcher.size);
    if (!rank || !size) continue;
    World world{number(launcher, launcher.rank, *rank), number(launcher, launcher.size, *size), 0,
                launcher.name};
    if (const auto local = environment(launcher.local_rank)) {
      world.local_rank = number(launcher, launcher.local_rank, *local);
    }
    if (world.rank >= world.size) {
      throw EnvironmentError(concat(launcher.rank, "=", world.rank, " is not below ", launcher.size,
                                    "=", world.size, "; unset both to train alone"));
    }
    return world;
  }
  return {};
}

}  // namespace gantry
