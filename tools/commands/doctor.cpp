// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <thread>

#include "core/build_info.h"
#include "core/error.h"
#include "kernels/ranks.h"
#include "tools/commands/all.h"
#include "tools/commands/doctor_cluster.h"
#include "tools/commands/findings.h"
#include "tools/commands/ranks.h"

namespace gantry {
namespace {

std::string gibibytes(double bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << bytes / (1024.0 * 1024.0 * 1024.0) << " GiB";
  return out.str();
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

void examine_processor(Findings& findings) {
  findings.note("cores",
                concat(usable_cores(), " usable of ", std::thread::hardware_concurrency()));
  try {
    const Backend backend = open_backend(BackendChoice::kCpu, 0);
    findings.good("device", backend.device->name());
    findings.note("memory", gibibytes(static_cast<double>(backend.device->memory_bytes())));
  } catch (const Error& error) {
    findings.bad("device", error.what(), error.code());
  }
}

void examine_libraries(Findings& findings) {
  for (const LibraryVersion& library : library_versions()) {
    const std::string text = "compiled for " + library.compiled + ", loaded " + library.loaded;
    const bool same_major = library.compiled.substr(0, library.compiled.find('.')) ==
                            library.loaded.substr(0, library.loaded.find('.'));
    if (same_major) {
      findings.good(library.name, text);
    } else {
      findings.bad(library.name, text + "; build Gantry again", ExitCode::kEnvironment);
    }
  }
}

void examine_gpu(Findings& findings, int local_rank) {
  const bool driver = std::filesystem::exists("/proc/driver/nvidia/version");
  if (!has_cuda_backend()) {
    findings.note("cuda", driver ? "not in this build, although there is an NVIDIA driver: install "
                                   "the CUDA toolkit and build Gantry again to use the GPU"
                                 : "not in this build; no NVIDIA driver here either");
    return;
  }
  try {
    const Backend backend = open_backend(BackendChoice::kCuda, 0, {}, local_rank);
    if (!has_nccl()) findings.note("nccl", "not in this build: a run has one GPU");
    findings.good("cuda", backend.device->name());
    findings.note(
        "gpu memory",
        concat(gibibytes(static_cast<double>(backend.device->available_bytes())), " free of ",
               gibibytes(static_cast<double>(backend.device->memory_bytes()))));
  } catch (const Error& error) {
    findings.note("cuda", error.what());
  }
}

// Writes a file, as a run would; permissions alone do not tell about read-only mounts.
void examine_directory(Findings& findings, const std::string& directory) {
  std::string pattern = directory + "/.gantry-doctor-XXXXXX";
  const int file = mkstemp(pattern.data());
  if (file < 0) {
    findings.bad("writable", directory + ": " + std::strerror(errno), ExitCode::kIo);
    return;
  }
  const bool wrote = write(file, "x", 1) == 1;
  close(file);
  unlink(pattern.c_str());
  struct statvfs space {};
  if (!wrote || statvfs(directory.c_str(), &space) != 0) {
    findings.bad("writable", directory + ": " + std::strerror(errno), ExitCode::kIo);
    return;
  }
  const double free_bytes =
      static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize);
  findings.good("writable", directory + ", " + gibibytes(free_bytes) + " free");
}

}  // namespace

Action declare_doctor(CLI::App& app) {
  const auto directory = std::make_shared<std::string>(".");
  const auto cluster = std::make_shared<bool>(false);
  const auto world = std::make_shared<WorldFlags>();
  declare_rank_options(app, *world);
  app.add_option("directory", *directory, "Where runs are to be written")->capture_default_str();
  app.add_flag(
      "--cluster", *cluster,
      "Under a launcher: what the ranks have in common, their hosts, how fast they add up.");
  app.footer(
      "Exits with 0 if training can work here, with the code of the first BAD line if not.\n"
      "Example:\n  gantry launch -n 2 doctor --cluster");
  return [directory, cluster, world] {
    const auto ranks = *cluster ? join_ranks(*world) : std::make_unique<NullCommunicator>();
    Findings findings(ranks->rank() != 0);
    findings.note("gantry", concat(build_version(), ", ", build_compiler(), ", ", build_type()));
    examine_processor(findings);
    examine_libraries(findings);
    examine_gpu(findings, ranks->local_rank());
    examine_directory(findings, *directory);
    if (*cluster) {
      run_in_step(*ranks, *directory, [&] {
        examine_cluster(findings, *ranks, find_world(process_environment(), *world).launcher);
        return 0;
      });
    }
    std::cout << std::flush;
    return static_cast<int>(findings.status());
  };
}

}  // namespace gantry
