// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tools/commands/command.h"

namespace gantry {

// The whole program: reads the command line, runs the command, turns failures into one line each
// on standard error ("gantry: error: ...") and the exit status of core/error.h.
int run_command_line(int argc, const char* const* argv);

// "gantry: error: ..." on standard error, a line for each line of the message.
void report_error(const std::string& message);

// Runs an action; turns what it throws into lines on standard error and the exit status.
int run_guarded(const Action& action);

}  // namespace gantry
