// SPDX-License-Identifier: Apache-2.0
// gantry plan, gantry bench, gantry trace
#include <CLI/CLI.hpp>
#include <iomanip>
#include <memory>
#include <sstream>

#include "core/json.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "tools/commands/describe_program.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_session.h"
#include "tools/commands/profiling_arguments.h"
#include "train/benchmark.h"
#include "train/device_limits.h"
#include "train/trace.h"

namespace gantry {
namespace {

struct BenchArguments {
  ConfigArguments config;
  BenchmarkPlan plan;
  bool json = false;
  ProfilingArguments profiling;
};

struct TraceArguments {
  ConfigArguments config;
  int64_t steps = 2;
  std::string out;
};

std::string to_json(const std::string& config, Session& session, const BenchmarkResult& result) {
  JsonValue root = JsonValue::object();
  const double flops_per_s = result.flops_per_step / result.median_s;
  root.add("config", JsonValue::of(config));
  root.add("device", JsonValue::of(session.system().backend.device->name()));
  root.add("batch", JsonValue::of(session.system().config.train.batch));
  root.add("steps", JsonValue::of(result.steps));
  root.add("ms_per_step", JsonValue::of(1e3 * result.median_s));
  root.add("ms_per_step_min", JsonValue::of(1e3 * result.min_s));
  root.add("ms_per_step_max", JsonValue::of(1e3 * result.max_s));
  root.add("images_per_second", JsonValue::of(result.images_per_s));
  root.add("gflop_per_step", JsonValue::of(1e-9 * result.flops_per_step));
  root.add("gflops", JsonValue::of(1e-9 * flops_per_s));
  root.add("peak_gflops", JsonValue::of(1e-9 * result.peak_flops_per_s));
  root.add("peak_share", JsonValue::of(flops_per_s / result.peak_flops_per_s));
  root.add("data_wait_ms", JsonValue::of(1e3 * result.data_wait_s));
  root.add("peak_rss_bytes", JsonValue::of(static_cast<int64_t>(result.peak_resident_bytes)));
  root.add("device_bytes", JsonValue::of(static_cast<int64_t>(result.device_bytes)));
  root.add("arena_bytes", JsonValue::of(static_cast<int64_t>(result.arena_bytes)));
  root.add("start_to_first_step_s", JsonValue::of(result.first_step_s));
  return write_json(root);
}

std::string to_text(Session& session, const BenchmarkResult& result) {
  std::ostringstream out;
  const double flops_per_s = result.flops_per_step / result.median_s;
  out << std::fixed << std::setprecision(2) << "step          " << 1e3 * result.median_s
      << " ms (median of " << result.steps << ", " << 1e3 * result.min_s << " to "
      << 1e3 * result.max_s << ")\n"
      << "speed         " << std::setprecision(1) << result.images_per_s << " images/s at batch "
      << session.system().config.train.batch << "\n"
      << "arithmetic    " << 1e-9 * flops_per_s << " GFLOP/s, "
      << 100 * flops_per_s / result.peak_flops_per_s << " % of the "
      << 1e-9 * result.peak_flops_per_s << " that a large matrix multiplication reaches here\n"
      << "data wait     " << std::setprecision(3) << 1e3 * result.data_wait_s << " ms per step\n"
      << "memory        " << std::setprecision(1)
      << static_cast<double>(result.peak_resident_bytes) / (1 << 20) << " MiB peak resident, "
      << static_cast<double>(result.arena_bytes) / (1 << 20) << " MiB of it arena\n"
      << "first step    " << std::setprecision(2) << result.first_step_s
      << " s after process start\n";
  return out.str();
}

int plan(const ConfigArguments& arguments) {
  LoadedConfig loaded = arguments.load();
  if (arguments.print_config) return 0;
  const OpenSession open = open_session(std::move(loaded));
  std::fputs(describe_session(*open.session).c_str(), stdout);
  return 0;
}

int bench(const BenchArguments& arguments) {
  Log log(stderr);
  LoadedConfig loaded = arguments.config.load();
  if (arguments.config.print_config) return 0;
  const OpenSession open = open_session(std::move(loaded), arguments.profiling.allocator());
  announce(open, log);
  Session& session = *open.session;
  arguments.profiling.apply(session, log);
  session.initialize();
  BenchmarkResult result = run_benchmark(session, arguments.plan);
  result.peak_flops_per_s = measure_limits(session.system().backend, session.stream()).flops_per_s;
  if (arguments.json) {
    std::puts(to_json(arguments.config.path, session, result).c_str());
  } else {
    std::fputs(to_text(session, result).c_str(), stdout);
  }
  return 0;
}

int trace(const TraceArguments& arguments) {
  Log log(stderr);
  LoadedConfig loaded = arguments.config.load();
  const std::string resolved = loaded.resolved;
  if (arguments.config.print_config) return 0;
  require_no_run(arguments.out);
  const OpenSession open = open_session(std::move(loaded));
  announce(open, log);
  open.session->initialize();
  write_trace(*open.session, resolved, arguments.steps, arguments.out);
  log.info("trace   ", arguments.out, ", ", arguments.steps, " steps");
  return 0;
}

}  // namespace

Action declare_plan(CLI::App& app) {
  auto arguments = std::make_shared<ConfigArguments>();
  arguments->declare(app);
  app.footer(
      "Prints networks, recorded calls with shapes, bytes and FLOPs, how often samples go through\n"
      "each convolution and dense layer per update (10 passes where there would be 6 without a\n"
      "penalty), for each kind of step, and the memory plan.");
  return [arguments] { return plan(*arguments); };
}

Action declare_bench(CLI::App& app) {
  auto arguments = std::make_shared<BenchArguments>();
  arguments->config.declare(app);
  app.add_option("--steps", arguments->plan.steps, "Timed steps.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_option("--warmup", arguments->plan.warmup, "Steps before timing.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_option("--sync-every", arguments->plan.sync_every,
                 "Steps between waits for the device; their mean is one time.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_flag("--json", arguments->json, "Print one JSON object.");
  arguments->profiling.declare(app);
  app.footer("Example:\n  gantry bench configs/dcgan-28.json --json");
  return [arguments] { return bench(*arguments); };
}

Action declare_trace(CLI::App& app) {
  auto arguments = std::make_shared<TraceArguments>();
  arguments->config.declare(app);
  app.add_option("--steps", arguments->steps, "Steps to trace.")
      ->check(integer_from(1, 1000000))
      ->capture_default_str();
  app.add_option("--out", arguments->out, "Folder to write.")
      ->required()
      ->check(not_empty("the name of a folder to make"));
  app.footer(
      "Writes everything that goes into and comes out of each step (docs/trace-format.md), for\n"
      "tools/pytorch/replay.py to compute again.\n"
      "Example:\n  gantry trace configs/quickstart.json --steps 3 --out trace");
  return [arguments] { return trace(*arguments); };
}

}  // namespace gantry
