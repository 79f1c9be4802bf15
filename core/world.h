// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace gantry {

// Where this process stands among those that were started together, as its launcher or the command
// line says.
struct World {
  int rank = 0, size = 1;
  int local_rank = 0;    // among those of this host
  std::string launcher;  // "Open MPI", "the command line"; empty: started alone
  bool by_mpi = false;   // its ranks find each other by MPI
  // Where they meet otherwise: rank 0 listens there. Empty, 0: nobody has said.
  std::string host;
  int port = 0;
  std::string job;          // the same for all ranks of a run, another for other runs
  double join_timeout = 0;  // seconds; 0: as long as it takes by default

  bool alone() const { return size == 1; }
};

// What the command line says of it: goes before every launcher.
struct WorldFlags {
  std::optional<int> rank = {}, size = {}, local_rank = {};
  std::string rendezvous = {};  // HOST:PORT, [IPv6]:PORT
  std::string job = {};
  double join_timeout = 0;
};

// A variable of the environment, if it is set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// The first of these that is there:
//   the command line
//   torchrun             RANK, WORLD_SIZE, LOCAL_RANK
//   Kubernetes           JOB_COMPLETION_INDEX of an indexed Job whose pods are given WORLD_SIZE
//   Open MPI's mpirun    OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK
//   a step of Slurm      SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID
//   MPICH's mpiexec      PMI_RANK, PMI_SIZE, MPI_LOCALRANKID
// mpirun goes before Slurm, since inside a job it starts its ranks from a step of its own that has
// one task per host. A batch script has SLURM_PROCID, too, but is no step: it is alone.
//
// Ranks meet at --rendezvous, else at MASTER_ADDR and MASTER_PORT (torchrun, Kubernetes), else in a
// step at the first of its nodes, port 15000 + the last four digits of the job's id. GANTRY_PORT is
// a port that goes before the latter two. Where torchrun's own store listens at MASTER_PORT
// (TORCHELASTIC_USE_AGENT_STORE) it is the next one.
// EnvironmentError where the variables of a launcher contradict each other, ConfigError for flags.
World find_world(const Environment& environment, const WorldFlags& flags = {});

}  // namespace gantry
