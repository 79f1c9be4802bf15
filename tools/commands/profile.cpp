// SPDX-License-Identifier: Apache-2.0
// gantry profile
#include <CLI/CLI.hpp>
#include <memory>

#include "core/json.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_session.h"
#include "tools/commands/profile_table.h"

namespace gantry {
namespace {

struct ProfileArguments {
  ConfigArguments config;
  int64_t steps = 10, warmup = 3;
  bool json = false, calls = false;
};

// A word as a POSIX shell has to be given it.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_-./=:,+").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// How to look closer at the same steps with the tools of the device.
std::string tool_lines(const ProfileArguments& arguments, bool has_profiler) {
  const int64_t first = arguments.warmup + 1, last = arguments.warmup + arguments.steps;
  std::string bench = "gantry bench " + quoted(arguments.config.path);
  for (const std::string& text : arguments.config.overrides) bench += " " + quoted(text);
  bench += concat(" --warmup ", arguments.warmup, " --steps ", arguments.steps);
  if (!has_profiler) {
    return concat("\nCloser:\n  perf record --call-graph dwarf -- ", bench,
                  "\n  vtune -collect hotspots -- ", bench, "\n");
  }
  const std::string one = concat(bench, " --profile-steps ", first, ":", first);
  const std::string all = concat(bench, " --profile-steps ", first, ":", last);
  return concat(
      "\nCloser:\n  nsys profile --capture-range=cudaProfilerApi --capture-range-end=stop "
      "--trace=cuda,nvtx,cudnn,cublas ",
      all,
      "\n  ncu --profile-from-start off --nvtx --nvtx-include \"gantry@d/\" --set full "
      "--export profile ",
      one, "\n");
}

int profile(const ProfileArguments& arguments) {
  Log log(stderr);
  LoadedConfig loaded = arguments.config.load();
  if (arguments.config.print_config) return 0;
  const OpenSession open = open_session(std::move(loaded));
  announce(open, log);
  Session& session = *open.session;
  Backend& backend = session.system().backend;
  session.initialize();
  for (int64_t i = 0; i < arguments.warmup; ++i) session.step();
  session.stream().synchronize();
  ProfileReport report{arguments.config.path,
                       backend.device->name(),
                       session.system().config.train.batch,
                       measure_limits(backend, session.stream()),
                       {}};
  report.profile = profile_steps(session, arguments.steps, report.limits);
  if (arguments.json) {
    std::puts(to_json(report).c_str());
  } else {
    std::fputs(to_text(report, arguments.calls).c_str(), stdout);
    std::fputs(tool_lines(arguments, backend.device->profiler() != nullptr).c_str(), stdout);
  }
  return 0;
}

}  // namespace

Action declare_profile(CLI::App& app) {
  auto arguments = std::make_shared<ProfileArguments>();
  arguments->config.declare(app);
  app.add_option("--steps", arguments->steps, "Steps to time call by call.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_option("--warmup", arguments->warmup, "Steps before timing.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_flag("--json", arguments->json, "Print one JSON object.");
  app.add_flag("--calls", arguments->calls, "Also list every call of the step.");
  app.footer(
      "Time, bytes and FLOPs of a step by op and by layer, and how near each is to what this\n"
      "device allows (docs/profiling.md).\n"
      "Example:\n  gantry profile configs/dcgan-28.json --calls");
  return [arguments] { return profile(*arguments); };
}

}  // namespace gantry
