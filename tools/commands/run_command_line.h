// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gantry {

// The whole program: reads the command line, runs the command, turns failures into one line each
// on standard error ("gantry: error: ...") and the exit status of core/error.h.
int run_command_line(int argc, const char* const* argv);

}  // namespace gantry
