// SPDX-License-Identifier: Apache-2.0
#include "tests/tools/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"

namespace gantry {
namespace {

std::filesystem::path fresh_output_path() {
  static std::atomic<int> number{0};
  return std::filesystem::temp_directory_path() /
         concat("gantry-output-", ::getpid(), "-", ++number, ".txt");
}

// In the child, between fork and exec: async-signal-safe calls alone.
[[noreturn]] void become(char* const* argv, char* const* variables, const char* output,
                         const Process::Limits& limits) {
  const int file = ::open(output, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::dup2(file, 1);
  ::dup2(file, 2);
  if (limits.file_bytes > 0) {
    const auto bytes = static_cast<rlim_t>(limits.file_bytes);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  if (limits.user != 0 && ::setuid(limits.user) != 0) ::_exit(126);
  ::execve(argv[0], argv, variables);
  ::_exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const Limits& limits)
    : output_(fresh_output_path()) {
  std::vector<std::string> words = {GANTRY_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> environment = limits.environment;
  std::vector<char*> variables;
  for (std::string& variable : environment) variables.push_back(variable.data());
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(nullptr);
  pid_ = ::fork();
  GANTRY_CHECK(pid_ >= 0, "fork");
  if (pid_ == 0) become(argv.data(), variables.data(), output_.c_str(), limits);
}

Process::~Process() {
  if (!ended_) {
    send(SIGKILL);
    wait(10);
  }
  std::error_code ignored;
  std::filesystem::remove(output_, ignored);
}

void Process::send(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

bool Process::running() {
  if (ended_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  reap(status);
  return false;
}

Ending Process::wait(double seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (running()) {
    if (std::chrono::steady_clock::now() > until) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return ending_;
}

void Process::reap(int status) {
  ended_ = true;
  if (WIFEXITED(status)) ending_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ending_.signal = WTERMSIG(status);
  std::ifstream file(output_);
  std::ostringstream text;
  text << file.rdbuf();
  ending_.output = text.str();
}

Ending run_gantry(const std::vector<std::string>& arguments) { return Process(arguments).wait(); }

}  // namespace gantry
