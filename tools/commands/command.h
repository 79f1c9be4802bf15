// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

namespace CLI {
class App;
}

namespace gantry {

// What runs after the command line has been read; returns the exit status. Throws Error.
using Action = std::function<int()>;

// A subcommand. `declare` adds its options to `app` and returns what to run; options live in what
// the action captures (a shared_ptr), since they are filled after `declare` has returned.
struct Command {
  const char* name;
  const char* summary;  // one line, for the list of commands
  Action (*declare)(CLI::App& app);
};

// All subcommands, in the order in which help lists them: tools/commands/commands.cpp.
std::span<const Command> commands();

}  // namespace gantry
