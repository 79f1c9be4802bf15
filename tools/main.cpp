// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include "tools/commands/run_command_line.h"

int main(int argc, char** argv) {
  // A file that may not grow (ulimit -f) and a reader that went away (| head) come back as errors
  // of the write instead of ending a run that could still save itself.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  return gantry::run_command_line(argc, argv);
}
