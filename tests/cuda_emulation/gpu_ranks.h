// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "kernels/cluster/thread_communicator.h"
#include "kernels/ranks.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/nccl_library.h"
#include "tests/ranks/team.h"

namespace gantry {

// Ranks that are threads with a GPU of the emulation each, joined by NCCL once they have all called
// connect(); also a single one.
inline std::vector<Backend> gpu_backends(std::vector<std::unique_ptr<Communicator>> hosts) {
  emulation::set_devices(static_cast<int>(hosts.size()));
  std::vector<Backend> backends;
  int rank = 0;
  for (auto& host : hosts) {
    Backend backend = open_backend(BackendChoice::kCuda, 1, {}, rank++);
    backend.communicator = join_gpus(*backend.device, *host);
    backend.host_communicator = std::move(host);
    backends.push_back(std::move(backend));
  }
  return backends;
}
inline std::vector<Backend> gpu_backends(int ranks) {
  return gpu_backends(thread_communicators(ranks));
}

// Runs work(rank, backend) on connected ranks, which take leave of each other at the end unless it
// throws.
template <typename Work>
void on_gpus(int ranks, const Work& work) {
  std::vector<Backend> backends = gpu_backends(ranks);
  on_threads(ranks, [&](int rank) {
    const Backend backend = std::move(backends[static_cast<size_t>(rank)]);
    backend.communicator->connect();
    work(rank, backend);
  });
}

}  // namespace gantry
