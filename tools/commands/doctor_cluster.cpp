// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/doctor_cluster.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "core/build_info.h"
#include "kernels/ranks.h"
#include "tools/commands/ranks.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

using Json = nlohmann::json;

constexpr double kMebibyte = 1024.0 * 1024.0;
// What containers have unless told otherwise; too little for the buffers of a few ranks.
constexpr double kLittleSharedMemory = 65 * kMebibyte;

double free_bytes(const char* folder) {
  struct statvfs space {};
  if (statvfs(folder, &space) != 0) return 0;
  return static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
}

std::string memory_lock() {
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur == RLIM_INFINITY) return "unlimited";
  return concat(limit.rlim_cur / 1024, " KiB");
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

// Of this rank.
Json facts(const Backend& backend) {
  std::string libraries;
  for (const LibraryVersion& library : library_versions()) {
    libraries += concat(libraries.empty() ? "" : ", ", library.name, ' ', library.loaded);
  }
  return {{"host", host_name()},
          {"build", concat(build_version(), ", ", build_compiler(), ", ", build_type())},
          {"libraries", libraries},
          {"device", backend.device->name()},
          {"processors", usable_processors()},
          {"shm", free_bytes("/dev/shm")},
          {"lock", memory_lock()}};
}

// A fact that has to be the same everywhere.
void compare(Findings& findings, const std::vector<Json>& all, const char* fact,
             const char* remedy) {
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank][fact] == all[0][fact]) continue;
    findings.bad(fact,
                 concat("rank 0 has ", all[0][fact].get<std::string>(), ", rank ", rank, " on ",
                        all[rank]["host"].get<std::string>(), " has ",
                        all[rank][fact].get<std::string>(), "; ", remedy),
                 ExitCode::kEnvironment);
    return;
  }
  findings.good(fact, concat(all[0][fact].get<std::string>(), ", on all ranks"));
}

void examine_hosts(Findings& findings, const std::vector<Json>& all) {
  std::map<std::string, std::vector<size_t>> hosts;
  for (size_t rank = 0; rank < all.size(); ++rank) hosts[all[rank]["host"]].push_back(rank);
  for (const auto& [host, ranks] : hosts) {
    const Json& first = all[ranks[0]];
    const double shared = first["shm"];
    const std::string text =
        concat(host, ": ", ranks.size(), " ranks (", ranks.front(), " to ", ranks.back(), "), ",
               first["processors"].get<int>(), " processors, ", first["device"].get<std::string>(),
               ", /dev/shm ", static_cast<int64_t>(shared / kMebibyte), " MiB free, locked memory ",
               first["lock"].get<std::string>());
    if (shared >= kLittleSharedMemory) {
      findings.good("host", text);
    } else {
      findings.bad("host",
                   text +
                       "; ranks of a host exchange data in /dev/shm: make it larger (in a "
                       "container --shm-size=1g)",
                   ExitCode::kEnvironment);
    }
  }
}

// Seconds of one sum of so many numbers, in whatever order is fastest: the median.
double seconds_of_sum(Communicator& ranks, Device& device, int64_t size) {
  using Clock = std::chrono::steady_clock;
  constexpr int kTimes = 9;
  const auto stream = device.make_stream();
  const KernelPtr sum = ranks.all_reduce({.size = size,
                                          .dtype = DType::kF32,
                                          .scale = 0.5,
                                          .what = "doctor's numbers",
                                          .fixed_order = false});
  const Tensor numbers(device, vector_shape(size), DType::kF32);
  const TensorView view = numbers.view();
  const Memory scratch(device, std::max<size_t>(64, sum->scratch_bytes()));
  std::vector<double> seconds;
  for (int i = 0; i <= kTimes; ++i) {
    ranks.barrier();
    const auto start = Clock::now();
    sum->run(*stream, {&view, 1}, scratch.data());
    stream->synchronize();
    // The first one makes connections.
    if (i > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kTimes / 2, seconds.end());
  return seconds[kTimes / 2];
}

void measure(Findings& findings, Communicator& ranks, Device& device,
             std::initializer_list<int64_t> sizes) {
  for (const int64_t size : sizes) {
    const double seconds = seconds_of_sum(ranks, device, size);
    const int64_t bytes = size * 4;
    std::ostringstream text;
    text << std::setprecision(3) << bytes / 1024 << " KiB in " << seconds * 1e3 << " ms, "
         << static_cast<double>(bytes) / seconds / 1e9 << " GB/s, " << ranks.name();
    findings.note("all-reduce", text.str());
  }
}

// Where every rank has a GPU.
void examine_gpus(Findings& findings, Communicator& ranks) {
  Backend backend;
  std::string missing;
  try {
    backend = open_backend(BackendChoice::kCuda, 0, {}, ranks.local_rank());
    backend.communicator = join_gpus(*backend.device, ranks);
  } catch (const Error& error) {
    missing = error.what();
  }
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const std::string its = text_of_rank(ranks, rank, missing);
    if (its.empty()) continue;
    findings.note("gpus", concat("not joined: rank ", rank, ": ", its));
    return;
  }
  try {
    backend.communicator->connect();
  } catch (const EnvironmentError& error) {
    findings.bad("gpus", error.what(), error.code());
    return;
  }
  findings.good("gpus", backend.communicator->name());
  measure(findings, *backend.communicator, *backend.device, {1 << 10, 1 << 16, 1 << 22, 1 << 26});
}

}  // namespace

void examine_cluster(Findings& findings, Communicator& ranks, const std::string& launcher) {
  if (ranks.size() == 1) {
    throw ConfigError(
        "doctor --cluster is about several ranks; start it as they are to be started, such as "
        "gantry launch -n 2 doctor --cluster");
  }
  const Backend backend = open_backend(BackendChoice::kCpu, 0);
  const std::string own = facts(backend).dump();
  std::vector<Json> all;
  all.reserve(static_cast<size_t>(ranks.size()));
  for (int rank = 0; rank < ranks.size(); ++rank) {
    all.push_back(Json::parse(text_of_rank(ranks, rank, own)));
  }
  findings.good("ranks", concat(ranks.name(), ", started by ", launcher));
  compare(findings, all, "build", "install the same build on all hosts");
  compare(findings, all, "libraries", "results differ between versions: install the same");
  examine_hosts(findings, all);
  measure(findings, ranks, *backend.device, {1 << 10, 1 << 16, 1 << 22});
  if (has_cuda_backend()) examine_gpus(findings, ranks);
}

}  // namespace gantry
