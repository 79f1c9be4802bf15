// SPDX-License-Identifier: Apache-2.0
// The one file that knows which backends exist.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cuda_backend.h"
#include "kernels/mpi_backend.h"
#include "kernels/ranks.h"

namespace gantry {

Backend open_backend(BackendChoice choice, int threads, const ComputeOptions& options) {
  const bool on_gpu =
      choice == BackendChoice::kCuda || (choice == BackendChoice::kAuto && cuda_device_present());
  if (on_gpu) return open_cuda_backend(options);
  if (options.precision != Precision::kFp32) {
    throw ConfigError(concat("/precision: \"", kPrecisions[static_cast<size_t>(options.precision)],
                             "\" is a GPU's; the CPU computes in fp32: say precision=fp32, or "
                             "backend=cuda"));
  }
  return open_cpu_backend(threads);
}

std::vector<LibraryVersion> library_versions() {
  std::vector<LibraryVersion> versions = {cpu_library_version()};
  for (LibraryVersion& version : cuda_library_versions()) versions.push_back(std::move(version));
  for (LibraryVersion& version : mpi_library_versions()) versions.push_back(std::move(version));
  return versions;
}

bool joins_processes() { return mpi_built(); }

std::unique_ptr<Communicator> open_communicator(const World& world) {
  if (world.alone()) return std::make_unique<NullCommunicator>();
  auto communicator = open_mpi_communicator();
  if (communicator->size() == world.size) return communicator;
  throw EnvironmentError(concat(world.launcher, " started ", world.size,
                                " processes, but MPI joins ", communicator->size(),
                                " of them; start them with `gantry launch -n ", world.size,
                                "` or mpirun, or srun --mpi=pmix where Slurm has it"));
}

bool has_cuda_backend() { return cuda_built(); }

}  // namespace gantry
