// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/run_command_line.h"

int main(int argc, char** argv) { return gantry::run_command_line(argc, argv); }
