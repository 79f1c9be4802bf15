// SPDX-License-Identifier: Apache-2.0
// The one file that knows which backends exist.
#include "kernels/cluster/socket_communicator.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cuda_backend.h"
#include "kernels/mpi_backend.h"
#include "kernels/nccl_backend.h"
#include "kernels/ranks.h"

namespace gantry {

Backend open_backend(BackendChoice choice, int threads, const ComputeOptions& options,
                     int local_rank) {
  const bool on_gpu =
      choice == BackendChoice::kCuda || (choice == BackendChoice::kAuto && cuda_device_present());
  if (on_gpu) return open_cuda_backend(options, local_rank);
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
  for (LibraryVersion& version : nccl_library_versions()) versions.push_back(std::move(version));
  for (LibraryVersion& version : mpi_library_versions()) versions.push_back(std::move(version));
  return versions;
}

bool has_mpi() { return mpi_built(); }

namespace {

std::unique_ptr<Communicator> join_processes(const World& world) {
  // Where MPI is not built in, a launcher's MPI can still start ranks that sockets join.
  const bool by_mpi = world.by_mpi && (mpi_built() || world.host.empty());
  if (!by_mpi) return open_socket_communicator(world);
  auto communicator = open_mpi_communicator();
  if (communicator->size() == world.size) return communicator;
  throw EnvironmentError(concat(
      world.launcher, " started ", world.size, " processes, but MPI joins ", communicator->size(),
      " of them; say --rendezvous HOST:PORT to join them without MPI, or "
      "start them with the mpirun of the MPI that gantry was built with"));
}

}  // namespace

std::unique_ptr<Communicator> open_communicator(const World& world) {
  if (world.alone()) return std::make_unique<NullCommunicator>();
  auto communicator = join_processes(world);
  communicator->set_local_rank(world.local_rank);
  return communicator;
}

std::unique_ptr<Communicator> join_gpus(Device& gpu, Communicator& ranks) {
  return open_nccl_communicator(gpu, ranks);
}

void join_devices(Backend& backend, std::unique_ptr<Communicator>& ranks) {
  if (!backend.device->is_apart() || ranks->size() == 1) {
    backend.communicator = std::move(ranks);
    return;
  }
  backend.communicator = join_gpus(*backend.device, *ranks);
  backend.host_communicator = std::move(ranks);
}

bool has_nccl() { return nccl_built(); }

bool has_cuda_backend() { return cuda_built(); }

}  // namespace gantry
