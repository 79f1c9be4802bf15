// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/profiling_arguments.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <optional>

namespace gantry {
namespace {

std::optional<int64_t> positive(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

std::optional<StepRange> read_range(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto first = positive(std::string_view(text).substr(0, colon));
  const auto last = positive(std::string_view(text).substr(colon + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return StepRange{*first, *last};
}

}  // namespace

void ProfilingArguments::declare(CLI::App& app) {
  app.add_option("--profile-steps", steps,
                 "Show steps A to B to the GPU's profilers: captured, in named ranges.")
      ->type_name("A:B")
      ->check([](const std::string& text) {
        return read_range(text) ? std::string()
                                : "\"" + text +
                                      "\" is no range of steps; give the first and the "
                                      "last, counted from 1, such as 100:110";
      });
  app.add_option("--allocator", allocation,
                 "arena: buffers share memory by their lifetimes; direct: each has its own, for "
                 "memory checkers.")
      ->check(CLI::IsMember({"arena", "direct"}))
      ->capture_default_str();
}

Allocator ProfilingArguments::allocator() const {
  return allocation == "direct" ? Allocator::kDirect : Allocator::kArena;
}

void ProfilingArguments::apply(Session& session, Log& log) const {
  if (steps.empty()) return;
  const StepRange range = read_range(steps).value();
  if (!session.system().backend.device->profiler()) {
    log.warning("--profile-steps: nothing to tell on ", session.system().backend.device->name(),
                "; `gantry profile` shows what its calls cost");
  }
  session.show(range);
}

}  // namespace gantry
