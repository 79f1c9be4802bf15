// SPDX-License-Identifier: Apache-2.0
#include "core/world.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "core/error.h"
#include "core/node_list.h"

namespace gantry {
namespace {

struct Launcher {
  const char *name, *rank, *size, *local_rank;
};

constexpr Launcher kTorchrun = {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"};
constexpr Launcher kKubernetes = {"Kubernetes", "JOB_COMPLETION_INDEX", "WORLD_SIZE", "LOCAL_RANK"};
constexpr Launcher kOpenMpi = {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                               "OMPI_COMM_WORLD_LOCAL_RANK"};
constexpr Launcher kSlurm = {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"};
constexpr Launcher kMpich = {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"};

constexpr int kMostPorts = 65535;
constexpr const char* kPort = "GANTRY_PORT";

bool read_number(const std::string& text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

int number(const Launcher& launcher, const char* name, const std::string& text) {
  int value = 0;
  if (read_number(text, value)) return value;
  throw EnvironmentError(concat(name, "=", text, ": ", launcher.name,
                                " sets it to a number; unset it to train alone"));
}

int port_number(const char* name, const std::string& text) {
  int value = 0;
  if (read_number(text, value) && value >= 1 && value <= kMostPorts) return value;
  throw EnvironmentError(concat(name, "=", text, ": a port is a number from 1 to ", kMostPorts));
}

std::optional<World> find_ranks(const Environment& environment, const Launcher& launcher) {
  const auto rank = environment(launcher.rank), size = environment(launcher.size);
  if (!rank || !size) return std::nullopt;
  World world;
  world.launcher = launcher.name;
  world.rank = number(launcher, launcher.rank, *rank);
  world.size = number(launcher, launcher.size, *size);
  if (const auto local = environment(launcher.local_rank)) {
    world.local_rank = number(launcher, launcher.local_rank, *local);
  }
  for (const auto& [name, value] :
       {std::pair(launcher.rank, world.rank), std::pair(launcher.local_rank, world.local_rank)}) {
    if (value < world.size) continue;
    throw EnvironmentError(concat(name, "=", value, " is not below ", launcher.size, "=",
                                  world.size, "; unset both to train alone"));
  }
  return world;
}

// As torchrun says it, and everybody who does as torchrun does.
void find_master(World& world, const Environment& environment) {
  if (const auto host = environment("MASTER_ADDR")) world.host = *host;
  if (const auto port = environment("MASTER_PORT")) {
    const bool taken = environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
    world.port = port_number("MASTER_PORT", *port) + (taken ? 1 : 0);
  }
  if (const auto job = environment("TORCHELASTIC_RUN_ID")) {
    // A worker of an earlier start is none of this one.
    world.job = concat(*job, ".", environment("TORCHELASTIC_RESTART_COUNT").value_or("0"));
  }
}

void find_step(World& world, const Environment& environment) {
  constexpr int kFirstPort = 15000;
  constexpr size_t kDigits = 4;
  world.by_mpi = environment("PMIX_RANK").has_value();
  if (const auto nodes = environment("SLURM_STEP_NODELIST")) {
    try {
      world.host = first_node(*nodes);
    } catch (const std::invalid_argument& error) {
      throw EnvironmentError(concat("SLURM_STEP_NODELIST=", *nodes, ": ", error.what(),
                                    "; say --rendezvous HOST:PORT"));
    }
  }
  if (const auto job = environment("SLURM_JOB_ID")) {
    world.job = concat(*job, ".", environment("SLURM_STEP_ID").value_or("0"), ".",
                       environment("SLURM_RESTART_COUNT").value_or("0"));
    const std::string digits = job->substr(job->size() - std::min(job->size(), kDigits));
    world.port = kFirstPort + number(kSlurm, "SLURM_JOB_ID", digits);
  }
}

World find_launched(const Environment& environment) {
  for (const Launcher* launcher : {&kTorchrun, &kKubernetes, &kOpenMpi, &kSlurm, &kMpich}) {
    std::optional<World> world = find_ranks(environment, *launcher);
    if (!world) continue;
    if (launcher == &kSlurm) {
      find_step(*world, environment);
    } else if (launcher == &kTorchrun || launcher == &kKubernetes) {
      find_master(*world, environment);
    } else {
      world->by_mpi = true;
    }
    return *world;
  }
  return {};
}

// Over what the launcher says.
void apply_ranks(World& world, const WorldFlags& flags) {
  if (flags.rank.has_value() != flags.size.has_value()) {
    throw ConfigError(
        "--rank and --world-size go together: give both, or leave them to a launcher");
  }
  if (flags.size && *flags.size < 1) {
    throw ConfigError(concat("--world-size ", *flags.size, ": there is one rank at least"));
  }
  if (flags.rank) {
    world.rank = *flags.rank;
    world.size = *flags.size;
    world.local_rank = 0;
    world.launcher = "the command line";
    world.by_mpi = false;
  }
  if (flags.local_rank) world.local_rank = *flags.local_rank;
  for (const auto& [name, value] :
       {std::pair("--rank", world.rank), std::pair("--local-rank", world.local_rank)}) {
    if (value >= 0 && value < world.size) continue;
    throw ConfigError(concat(name, " ", value, ": the ", world.size,
                             " ranks of --world-size are 0 to ", world.size - 1));
  }
}

void apply_meeting(World& world, const WorldFlags& flags) {
  const std::string& text = flags.rendezvous;
  if (world.alone()) {
    throw ConfigError(concat("--rendezvous ", text,
                             ": one rank has nobody to meet; say --rank R --world-size N, or leave "
                             "it away to train alone"));
  }
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  int port = 0;
  if (colon == std::string::npos || host.empty() || !read_number(text.substr(colon + 1), port) ||
      port < 1 || port > kMostPorts ||
      (!bracketed && host.find_first_of(":[]") != std::string::npos)) {
    throw ConfigError(concat("--rendezvous ", text,
                             ": say HOST:PORT, such as node1:29500, 10.0.0.5:29500 or "
                             "[fd00::5]:29500"));
  }
  world.host = host;
  world.port = port;
  world.by_mpi = false;
}

}  // namespace

Environment process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value && *value ? std::optional<std::string>(value) : std::nullopt;
  };
}

World find_world(const Environment& environment, const WorldFlags& flags) {
  World world = find_launched(environment);
  apply_ranks(world, flags);
  if (const auto port = environment(kPort)) world.port = port_number(kPort, *port);
  if (!flags.rendezvous.empty()) apply_meeting(world, flags);
  if (!flags.job.empty()) world.job = flags.job;
  world.join_timeout = flags.join_timeout;
  return world;
}

}  // namespace gantry
