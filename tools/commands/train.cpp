// SPDX-License-Identifier: Apache-2.0
// gantry train
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "core/build_info.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "tools/commands/describe_program.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_session.h"
#include "tools/commands/profiling_arguments.h"
#include "tools/commands/ranks.h"
#include "tools/commands/run_training.h"
#include "train/run_lock.h"

namespace gantry {
namespace {

struct TrainArguments {
  WorldFlags world;
  ConfigArguments config;
  std::string out;
  bool dry_run = false;
  std::string resume = "never";
  ProfilingArguments profiling;
};

std::string environment_json(const Backend& backend) {
  return concat("{\"version\": \"", build_version(), "\", \"build\": \"", build_compiler(), ", ",
                build_type(), "\", \"device\": \"", backend.device->name(), "\", \"host\": \"",
                host_name(), "\"}\n");
}

// Whether an earlier start of the same command has begun the run: what rank 0 sees.
bool has_begun(Communicator& ranks, const TrainArguments& arguments) {
  do_together(ranks, [&] {
    if (arguments.resume != "auto" || !arguments.out.empty()) return;
    throw ConfigError("--resume auto goes on with the run in --out; name that folder, too");
  });
  const bool begun = arguments.resume == "auto" && RunDir::is_run(arguments.out);
  return !text_of_rank(ranks, 0, begun ? "begun" : "").empty();
}

RunDir make_run(const TrainArguments& arguments, const std::string& name, Log& log) {
  if (arguments.out.empty()) return RunDir::create_numbered("runs", name, log);
  return RunDir::create(arguments.out, log);
}

int train(TrainArguments arguments) {
  OpenSession open;
  open.backend.communicator = join_ranks(arguments.world);
  Communicator& ranks = *open.backend.communicator;
  const bool first = ranks.rank() == 0;
  Log log(stderr, log_options(ranks));
  std::string resolved, name;
  const bool begun = has_begun(ranks, arguments);
  const bool print_alone = arguments.config.print_config && !arguments.dry_run;
  do_together(ranks, [&] {
    arguments.config.print_config = arguments.config.print_config && first;
    LoadedConfig loaded = arguments.config.load();
    if (print_alone) return;
    resolved = loaded.resolved;
    name = loaded.config.name;
    // What can be refused at once is refused before the data are read.
    const bool makes = !arguments.out.empty() && !arguments.dry_run && !begun;
    if (first && makes) RunDir::require_free(arguments.out);
    open_session(open, std::move(loaded), arguments.profiling.allocator());
  });
  if (print_alone) return 0;
  require_one_config(ranks, resolved);
  if (arguments.dry_run) {
    if (first) std::fputs(describe_session(*open.session).c_str(), stdout);
    return 0;
  }
  connect(open);
  announce(open, log);
  arguments.profiling.apply(*open.session, log);
  open.session->set_config_digest(binding_digest(resolved));
  std::optional<RunDir> run;
  do_together(ranks, [&] {
    if (!first) return;
    run.emplace(begun ? RunDir::open(arguments.out, log) : make_run(arguments, name, log));
    if (begun) restore_newest(*open.session, *run, {arguments.config.path}, log);
    run->write_config(resolved);
    if (begun) return;
    run->write_environment(environment_json(open.backend));
    log.info("run     ", run->path().string());
  });
  if (!begun) open.session->initialize();
  return train_in_step(*open.session, run, log);
}

}  // namespace

Action declare_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  arguments->config.declare(app);
  declare_rank_options(app, arguments->world);
  app.add_option("--out", arguments->out,
                 "Run directory to make (default: the next number under runs/).")
      ->check(not_empty("the name of a folder to make, or leave --out away"));
  app.add_flag("--dry-run", arguments->dry_run,
               "Check config, data and memory, print the plan, write nothing.");
  app.add_option(
         "--resume", arguments->resume,
         "auto: go on with the run in --out if an earlier start has begun it; for jobs that "
         "a scheduler starts again.")
      ->check(CLI::IsMember({"auto", "never"}))
      ->capture_default_str();
  arguments->profiling.declare(app);
  app.footer(
      "Examples:\n"
      "  gantry train configs/quickstart.json\n"
      "  gantry train configs/dcgan-28.json optimizer.g.lr=1e-4 train.steps=500 --out runs/slow\n"
      "  gantry train my.json --out runs/mine --resume auto\n"
      "SIGTERM or Ctrl-C finishes the step, saves and exits with 75; a second one ends at once.");
  return [arguments] { return train(*arguments); };
}

}  // namespace gantry
