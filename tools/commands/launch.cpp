// SPDX-License-Identifier: Apache-2.0
// gantry launch
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "core/error.h"
#include "kernels/ranks.h"
#include "tools/commands/all.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/ranks.h"

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

// A file that goes with the object.
class EndingsFile {
 public:
  EndingsFile() {
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw IoError(concat(path_, ": ", std::strerror(errno)));
    ::close(file);
  }
  ~EndingsFile() { ::unlink(path_.c_str()); }
  EndingsFile(const EndingsFile&) = delete;
  EndingsFile& operator=(const EndingsFile&) = delete;
  const std::string& path() const { return path_; }

  // Of the first rank that failed; kPeer where one has ended without a word.
  int status(int64_t ranks) const {
    std::ifstream lines(path_);
    int64_t count = 0;
    for (int status = 0; lines >> status; ++count) {
      if (status != 0) return status;
    }
    return count == ranks ? 0 : static_cast<int>(ExitCode::kPeer);
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "gantry-endings-XXXXXX").string();
};

volatile std::sig_atomic_t mpirun_process = 0, stop_requested = 0;

// mpirun gives ranks a second to end after SIGTERM, but hands SIGUSR1 on and waits. Who asks twice
// means the former.
extern "C" void pass_on(int signal) {
  const bool insists = stop_requested != 0 && signal != SIGUSR1;
  stop_requested = 1;
  ::kill(static_cast<pid_t>(mpirun_process), insists ? SIGTERM : SIGUSR1);
}

// Starts mpirun, hands signals on to it and waits until it has ended.
void run_mpirun(std::vector<std::string> words) {
  std::vector<char*> raw;
  raw.reserve(words.size() + 1);
  for (std::string& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  // In a process group of its own: Ctrl-C reaches it through this process alone.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, raw[0], nullptr, &attributes, raw.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw EnvironmentError(concat("mpirun: ", std::strerror(error),
                                  "; it comes with Open MPI (tools/packages.sh mpi)"));
  }
  mpirun_process = child;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) std::signal(signal, pass_on);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
}

int launch(const LaunchArguments& arguments, const std::vector<std::string>& command) {
  if (command.empty()) {
    throw ConfigError(
        "launch: what shall the ranks run? For example: gantry launch -n 2 train "
        "configs/quickstart.json");
  }
  if (!has_mpi()) {
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
  const EndingsFile endings;
  setenv(kEndingsVariable, endings.path().c_str(), 1);
  run_mpirun(mpirun_words(arguments.ranks, command));
  unsetenv(kEndingsVariable);
  return endings.status(arguments.ranks);
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
