// SPDX-License-Identifier: Apache-2.0
// gantry launch
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "core/error.h"
#include "kernels/ranks.h"
#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"

namespace gantry {
namespace {

struct LaunchArguments {
  int64_t ranks = 0;
};

std::vector<std::string> mpirun_words(int64_t ranks, const std::vector<std::string>& command) {
  std::vector<std::string> words = {
      "mpirun", "-n", std::to_string(ranks), "--map-by", ":OVERSUBSCRIBE", "--bind-to", "none"};
  // A rank that dies must not take the others with it before they have said so and ended.
  words.emplace_back("--enable-recovery");
  if (geteuid() == 0) words.emplace_back("--allow-run-as-root");
  words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

int launch(const LaunchArguments& arguments, const std::vector<std::string>& command) {
  if (command.empty()) {
    throw ConfigError(
        "launch: what shall the ranks run? For example: gantry launch -n 2 train "
        "configs/quickstart.json");
  }
  if (!joins_processes()) {
    throw EnvironmentError(
        "launch: this gantry was built without MPI, which joins several processes; install it "
        "(tools/packages.sh mpi) and build again");
  }
  // The processor's threads are dealt out; mpirun would leave all of them to every rank.
  const auto threads = std::max<int64_t>(
      1, static_cast<int64_t>(std::thread::hardware_concurrency()) / arguments.ranks);
  setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 0);
  // Ranks that wait leave the processor to those that do not.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  std::vector<std::string> words = mpirun_words(arguments.ranks, command);
  std::vector<char*> raw;
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  execvp(raw[0], raw.data());
  throw EnvironmentError(
      concat("mpirun: ", std::strerror(errno), "; it comes with Open MPI (tools/packages.sh mpi)"));
}

}  // namespace

Action declare_launch(CLI::App& app) {
  auto arguments = std::make_shared<LaunchArguments>();
  app.add_option("-n,--ranks", arguments->ranks, "Processes to start on this machine.")
      ->required()
      ->check(integer_from(1, 1024));
  app.prefix_command();
  app.footer(
      "Runs a gantry command as several ranks on this machine, by mpirun. Each takes its share of\n"
      "the processor's threads (OMP_NUM_THREADS, unless set) and of every batch.\n"
      "Example:\n  gantry launch -n 2 train configs/quickstart.json --out runs/two");
  return [arguments, &app] { return launch(*arguments, app.remaining()); };
}

}  // namespace gantry
