// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/run_command_line.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>

#include "core/build_info.h"
#include "core/error.h"
#include "tools/commands/command.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/ranks.h"

namespace gantry {
namespace {

constexpr const char* kAbout =
    "Trains generative adversarial networks. One JSON file describes a run; nothing else is "
    "needed.";

constexpr const char* kFooter =
    "Start here:\n"
    "  gantry train configs/quickstart.json     learn handwritten digits in a few minutes\n"
    "  gantry check MY.json                     is my config right, and if not, why?\n"
    "  gantry COMMAND --help                    options and examples of a command\n\n"
    "Exit status: 0 done; 2 command line or config; 3 data; 4 checkpoint; 5 environment;\n"
    "10 not finite; 11 another rank; 12 out of memory; 13 cannot write; 75 stopped and saved.";

// A result that nobody got is no success. A reader that has gone (| head) has what it wanted.
int require_output(int status) {
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout.flush();
  struct stat place = {};
  if (!lost || (fstat(STDOUT_FILENO, &place) == 0 && S_ISFIFO(place.st_mode))) return status;
  report_error("cannot write to standard output (disk full, or closed)");
  return status == 0 ? static_cast<int>(ExitCode::kIo) : status;
}

}  // namespace

// Each line of a message by itself, so that every problem found has a line.
void report_error(const std::string& message) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) std::cerr << "gantry: error: " << line << '\n';
  }
  std::cerr << std::flush;
}

int run_guarded(const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    report_error(error.what());
    return static_cast<int>(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    report_error(error.what());
    return static_cast<int>(ExitCode::kIo);
  } catch (const std::bad_alloc&) {
    report_error(
        "out of memory: this machine has no more to give; a smaller train.batch, data.size or "
        "data set takes less");
    return static_cast<int>(ExitCode::kMemory);
  } catch (const std::exception& error) {
    report_error(
        concat("this is a defect of Gantry, please report it with the command that you gave: ",
               error.what(), " (version ", build_version(), ")"));
    constexpr int kDefect = 70;  // EX_SOFTWARE of sysexits.h
    return kDefect;
  }
}

int run_command_line(int argc, const char* const* argv) {
  CLI::App app(kAbout, "gantry");
  app.footer(kFooter);
  app.set_version_flag("--version", concat("gantry ", build_version()));
  app.require_subcommand(1);
  Action action;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->callback([&action, run = command.declare(*sub)] { action = run; });
  }
  // gantry help [COMMAND], as many programs have it.
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  if (argc <= 1) {
    std::cout << app.help() << std::flush;
    return static_cast<int>(ExitCode::kUsage);
  }
  try {
    app.parse(words);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    report_error(explain_usage(app, error, argc, argv));
    return static_cast<int>(ExitCode::kUsage);
  }
  const int status = require_output(run_guarded(action));
  note_ending(status);
  return status;
}

}  // namespace gantry
