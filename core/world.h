// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace gantry {

// Where this process stands among those that were started together, as its launcher says.
struct World {
  int rank = 0, size = 1;
  int local_rank = 0;    // among those of this host
  std::string launcher;  // "Open MPI"; empty: started alone

  bool alone() const { return size == 1; }
};

// A variable of the environment, if it is set.
using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// The first of these that is there:
//   torchrun             RANK, WORLD_SIZE, LOCAL_RANK
//   Open MPI's mpirun    OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK
//   a step of Slurm      SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID
//   MPICH's mpiexec      PMI_RANK, PMI_SIZE, MPI_LOCALRANKID
// mpirun goes before Slurm, since inside a job it starts its ranks from a step of its own that has
// one task per host. A batch script has SLURM_PROCID, too, but is no step: it is alone.
// EnvironmentError where a launcher's variables contradict each other.
World find_world(const Environment& environment);

}  // namespace gantry
