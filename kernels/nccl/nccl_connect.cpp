// SPDX-License-Identifier: Apache-2.0
// How ranks come to a NCCL communicator: all learn on the host what each has, and whether each has
// got there, so that they go on or end together.
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "kernels/nccl/nccl_link.h"

namespace gantry {
namespace {

struct Place {
  char host[64] = {};
  char boot[40] = {};  // tells hosts of one name apart, and not the containers of one host
  char gpu[32] = {};   // its address on the PCI bus
  int version = 0;     // of NCCL
};

Place place_of(int device) {
  Place place;
  ::gethostname(place.host, sizeof(place.host) - 1);
  std::ifstream("/proc/sys/kernel/random/boot_id").getline(place.boot, sizeof(place.boot));
  cuda::check(cudaDeviceGetPCIBusId(place.gpu, sizeof(place.gpu), device), "cudaDeviceGetPCIBusId");
  ncclGetVersion(&place.version);
  return place;
}

struct Outcome {
  char failure[480] = {};  // empty: none
};

template <typename T>
std::vector<T> of_all(Communicator& host, const T& mine) {
  std::vector<T> all(static_cast<size_t>(host.size()), mine);
  for (int rank = 0; rank < host.size(); ++rank) {
    host.broadcast(&all[static_cast<size_t>(rank)], sizeof(T), rank);
  }
  return all;
}

Outcome outcome(const std::string& failure) {
  Outcome result;
  failure.copy(result.failure, sizeof(result.failure) - 1);
  return result;
}

// What the first of them says that has failed.
void require_all(Communicator& host, const std::string& failure) {
  const std::vector<Outcome> all = of_all(host, outcome(failure));
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (*all[rank].failure) throw EnvironmentError(concat("rank ", rank, ": ", all[rank].failure));
  }
}

void require_sound(const std::vector<Place>& places) {
  for (size_t rank = 0; rank < places.size(); ++rank) {
    const Place& place = places[rank];
    if (place.version != places[0].version) {
      throw EnvironmentError(concat("rank 0 has loaded NCCL ", places[0].version, ", rank ", rank,
                                    " on ", place.host, " NCCL ", place.version,
                                    "; install the same everywhere"));
    }
    for (size_t other = 0; other < rank; ++other) {
      if (std::strcmp(place.boot, places[other].boot) != 0) continue;
      if (std::strcmp(place.gpu, places[other].gpu) != 0) continue;
      throw EnvironmentError(concat("rank ", other, " and rank ", rank, " have the same GPU, ",
                                    place.gpu, " on ", place.host,
                                    "; start one rank for each GPU, and say --local-rank where no "
                                    "launcher does"));
    }
  }
}

}  // namespace

void NcclLink::connect() {
  GANTRY_CHECK(!comm_, "connected already");
  require_sound(of_all(host_, place_of(device_.ordinal())));
  ncclUniqueId id{};
  std::string failure;
  if (host_.rank() == 0) {
    const ncclResult_t result = ncclGetUniqueId(&id);
    if (result != ncclSuccess) {
      failure = concat("ncclGetUniqueId says ", ncclGetErrorString(result), ": ",
                       ncclGetLastError(nullptr));
    }
  }
  require_all(host_, failure);
  host_.broadcast(&id, sizeof(id), 0);
  try {
    initialize(id);
  } catch (const PeerError& error) {
    failure = error.what();
  }
  try {
    require_all(host_, failure);
  } catch (...) {
    abort();
    throw;
  }
}

// Who does not get there in time says so when all compare what has become of it.
void NcclLink::initialize(const ncclUniqueId& id) {
  const std::string call = "ncclCommInitRankConfig";
  cuda::check(cudaSetDevice(device_.ordinal()), "cudaSetDevice");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  const auto start = std::chrono::steady_clock::now();
  require(ncclCommInitRankConfig(&comm_, host_.size(), id, host_.rank(), &config), call);
  while (!is_through(call)) {
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    if (waited.count() > timeout_) {
      fail(concat("NCCL: ", call, " did not end within ", timeout_,
                  " s; NCCL_DEBUG=INFO shows what the ranks try"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace gantry
