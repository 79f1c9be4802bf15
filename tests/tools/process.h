// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace gantry {

// How a process ended.
struct Ending {
  int exit_code = -1;  // -1: a signal ended it
  int signal = 0;
  std::string output;  // stdout and stderr
};

// The gantry binary as its own process. Killed when the object goes before the process has ended.
class Process {
 public:
  struct Limits {
    long file_bytes = 0;  // RLIMIT_FSIZE; 0: none. Writing past it fails with EFBIG
    uid_t user = 0;       // whom the process runs as; 0: as the test
    std::vector<std::string> environment = {};  // NAME=value, beside what the test has
  };
  explicit Process(const std::vector<std::string>& arguments) : Process(arguments, Limits()) {}
  Process(const std::vector<std::string>& arguments, const Limits& limits);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;
  bool running();
  // Fails the process with SIGKILL when it does not end within `seconds`; by default as long as a
  // long test may take on a busy machine.
  Ending wait(double seconds = 600);

 private:
  void reap(int status);

  pid_t pid_ = -1;
  std::filesystem::path output_;
  bool ended_ = false;
  Ending ending_;
};

Ending run_gantry(const std::vector<std::string>& arguments);

}  // namespace gantry
