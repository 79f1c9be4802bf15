// SPDX-License-Identifier: Apache-2.0
// gantry train, gantry resume
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "core/build_info.h"
#include "core/digest.h"
#include "core/json.h"
#include "tools/commands/all.h"
#include "tools/commands/config_arguments.h"
#include "tools/commands/describe_program.h"
#include "tools/commands/explain_usage.h"
#include "tools/commands/open_session.h"
#include "tools/commands/profiling_arguments.h"
#include "tools/commands/ranks.h"
#include "train/collective_dump.h"
#include "train/follower.h"
#include "train/report.h"
#include "train/run_lock.h"
#include "train/system_state.h"
#include "train/trainer.h"

namespace gantry {
namespace {

struct TrainArguments {
  ConfigArguments config;
  std::string out;
  bool dry_run = false;
  ProfilingArguments profiling;
};

struct ResumeArguments {
  std::string run;
  std::vector<std::string> overrides;
  bool elastic = false;
};

// What a resumed run may change: nothing that the numbers depend on.
constexpr const char* kResumable[] = {"train.steps",
                                      "train.checkpoint_every",
                                      "train.keep_last",
                                      "train.steps_per_launch",
                                      "data.on_device",
                                      "distributed.timeout_s",
                                      "distributed.compare_operations",
                                      "output."};

// Digest of all that a resumed run may not change.
std::string binding_digest(const std::string& resolved) {
  JsonDocument document = parse_json(resolved, "config.json");
  const auto remove = [](JsonValue& object, std::string_view key) {
    std::erase_if(object.members, [&](const auto& member) { return member.key == key; });
  };
  remove(document.root, "output");
  if (JsonValue* train = document.root.find("train")) {
    for (const char* key : {"steps", "checkpoint_every", "keep_last", "steps_per_launch"})
      remove(*train, key);
  }
  if (JsonValue* data = document.root.find("data")) remove(*data, "on_device");
  if (JsonValue* distributed = document.root.find("distributed")) {
    for (const char* key : {"timeout_s", "compare_operations"}) remove(*distributed, key);
  }
  return sha256(write_json(document.root));
}

void require_same_config(const Checkpoint& checkpoint, const std::string& digest,
                         const std::string& file) {
  const auto saved = checkpoint.meta.find("config");
  if (saved == checkpoint.meta.end() || saved->second == digest) return;
  throw ConfigError(concat(file, " is not the config that step ", checkpoint.step,
                           " was trained with; put it back as it was, or start a new run with "
                           "`gantry train`"));
}

std::string environment_json(const Backend& backend) {
  return concat("{\"version\": \"", build_version(), "\", \"build\": \"", build_compiler(), ", ",
                build_type(), "\", \"device\": \"", backend.device->name(), "\", \"host\": \"",
                host_name(), "\"}\n");
}

// Trains inside a run directory; a failure is noted there before it goes on its way.
int run_training(Session& session, RunDir& run, Log& log) {
  const StopRequest stop;
  try {
    Trainer trainer(session, run, log);
    return static_cast<int>(trainer.train(stop));
  } catch (const Error& error) {
    RunStatus status{RunState::kFailed, static_cast<uint64_t>(session.steps_done()),
                     static_cast<uint64_t>(session.system().config.train.steps),
                     static_cast<int>(error.code()), error.what()};
    try {
      run.write_status(status);
      write_report(run);
    } catch (const IoError& second) {
      log.warning(second.what());
    }
    throw;
  }
}

// From the same state on all ranks: rank 0 in its run directory, the others without one.
int train_in_step(Session& session, std::optional<RunDir>& run, Log& log) {
  Communicator& ranks = *session.system().backend.communicator;
  do_together(ranks, [&] {
    if (run) remove_collective_dumps(run->path());
  });
  const DistributedConfig& distributed = session.system().config.distributed;
  const std::string place =
      text_of_rank_zero(ranks, run ? std::filesystem::absolute(run->path()).string() : "");
  return run_in_step(ranks, place, [&] {
    ranks.set_timeout(distributed.timeout_s);
    ranks.compare_operations(distributed.compare_operations);
    session.share_state();
    if (run) return run_training(session, *run, log);
    const StopRequest stop;
    return static_cast<int>(follow(session, stop));
  });
}

int train(TrainArguments arguments) {
  OpenSession open;
  open.backend.communicator = join_ranks();
  Communicator& ranks = *open.backend.communicator;
  const bool first = ranks.rank() == 0;
  Log log(stderr, log_options(ranks));
  std::string resolved, name;
  const bool print_alone = arguments.config.print_config && !arguments.dry_run;
  do_together(ranks, [&] {
    arguments.config.print_config = arguments.config.print_config && first;
    LoadedConfig loaded = arguments.config.load();
    if (print_alone) return;
    resolved = loaded.resolved;
    name = loaded.config.name;
    // What can be refused at once is refused before the data are read.
    if (first && !arguments.out.empty() && !arguments.dry_run) RunDir::require_free(arguments.out);
    open_session(open, std::move(loaded), arguments.profiling.allocator());
  });
  if (print_alone) return 0;
  if (arguments.dry_run) {
    if (first) std::fputs(describe_session(*open.session).c_str(), stdout);
    return 0;
  }
  announce(open, log);
  arguments.profiling.apply(*open.session, log);
  std::optional<RunDir> run;
  do_together(ranks, [&] {
    if (!first) return;
    run.emplace(arguments.out.empty() ? RunDir::create_numbered("runs", name, log)
                                      : RunDir::create(arguments.out, log));
    run->write_config(resolved);
    run->write_environment(environment_json(open.backend));
    log.info("run     ", run->path().string());
  });
  open.session->set_config_digest(binding_digest(resolved));
  open.session->initialize();
  return train_in_step(*open.session, run, log);
}

void require_resumable(const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const bool allowed = std::any_of(std::begin(kResumable), std::end(kResumable),
                                     [&](const char* key) { return text.starts_with(key); });
    if (allowed) continue;
    const std::string key = text.substr(0, text.find('='));
    const bool short_form = std::any_of(std::begin(kResumable), std::end(kResumable),
                                        [&](const char* full) { return full == "train." + key; });
    throw ConfigError(concat(
        "override \"", text, "\"", short_form ? concat(", did you mean \"train.", text, "\"?") : "",
        ": a resumed run may change train.steps, "
        "train.checkpoint_every, train.keep_last, train.steps_per_launch, "
        "data.on_device, distributed.timeout_s, distributed.compare_operations "
        "and output.* alone; start a new run for anything else"));
  }
}

// Puts the session where the newest checkpoint of the run is, and the run directory with it.
void restore_newest(Session& session, RunDir& run, bool elastic, Log& log) {
  CheckpointStore checkpoints(run.checkpoints(), log);
  checkpoints.sweep();
  const auto checkpoint = checkpoints.load_latest();
  if (!checkpoint) {
    log.warning("no checkpoint in ", run.path().string(), " yet: starting from step 0");
    session.initialize();
    run.discard_after(0);
    return;
  }
  require_same_config(*checkpoint, session.config_digest(), run.config().string());
  const int64_t steps = session.system().config.train.steps;
  if (static_cast<uint64_t>(steps) < checkpoint->step) {
    throw ConfigError(concat("train.steps=", steps, ": ", run.path().string(),
                             " is already at step ", checkpoint->step, "; give a larger number"));
  }
  const std::string other_ranks = why_not_on_these_ranks(session.system(), *checkpoint);
  if (!other_ranks.empty() && !elastic) {
    throw CheckpointError(concat(run.path().string(), ": cannot go on bit for bit: ", other_ranks,
                                 "; start as many ranks as before, or accept that with --elastic "
                                 "(distributed.virtual_ranks makes runs that may change it)"));
  }
  session.restore(*checkpoint, checkpoints.path_of(checkpoint->step).string());
  const std::string reasons = why_not_exact(session.system(), *checkpoint);
  if (!reasons.empty()) log.warning("this run will not continue bit for bit: ", reasons);
  checkpoints.set_aside_after(checkpoint->step);
  run.discard_after(checkpoint->step);
  log.info("resume  ", run.path().string(), " after step ", checkpoint->step);
  if (static_cast<uint64_t>(steps) == checkpoint->step) {
    log.info("steps   all ", steps, " are done; train.steps=", 2 * steps, " would go on");
  }
}

int resume(const ResumeArguments& arguments) {
  OpenSession open;
  open.backend.communicator = join_ranks();
  Communicator& ranks = *open.backend.communicator;
  Log log(stderr, log_options(ranks));
  std::optional<RunDir> run;
  do_together(ranks, [&] {
    require_resumable(arguments.overrides);
    if (ranks.rank() == 0) run.emplace(RunDir::open(arguments.run, log));
    const RunDir place = RunDir::view(arguments.run);
    LoadedConfig loaded = load_config(place.config().string(), arguments.overrides);
    const std::string resolved = loaded.resolved;
    open_session(open, std::move(loaded));
    open.session->set_config_digest(binding_digest(resolved));
    announce(open, log);
    if (!run) return;
    restore_newest(*open.session, *run, arguments.elastic, log);
    run->write_config(resolved);
  });
  return train_in_step(*open.session, run, log);
}

}  // namespace

Action declare_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  arguments->config.declare(app);
  app.add_option("--out", arguments->out,
                 "Run directory to make (default: the next number under runs/).")
      ->check(not_empty("the name of a folder to make, or leave --out away"));
  app.add_flag("--dry-run", arguments->dry_run,
               "Check config, data and memory, print the plan, write nothing.");
  arguments->profiling.declare(app);
  app.footer(
      "Examples:\n"
      "  gantry train configs/quickstart.json\n"
      "  gantry train configs/dcgan-28.json optimizer.g.lr=1e-4 train.steps=500 --out runs/slow\n"
      "SIGTERM or Ctrl-C finishes the step, saves and exits with 75; a second one ends at once.");
  return [arguments] { return train(*arguments); };
}

Action declare_resume(CLI::App& app) {
  auto arguments = std::make_shared<ResumeArguments>();
  app.add_option("RUN", arguments->run, "Run directory to continue.")
      ->required()
      ->check(not_empty("the folder of a run, such as runs/0001-quickstart"));
  app.add_option("key=value", arguments->overrides,
                 "What may change: train.steps, train.checkpoint_every, train.keep_last, "
                 "distributed.timeout_s, distributed.compare_operations, output.*.");
  app.add_flag("--elastic", arguments->elastic,
               "Go on with another number of ranks than before, though not bit for bit.");
  app.footer(
      "Continues from the newest complete checkpoint; the result is the same bytes as if the run\n"
      "had never stopped (same build, processor type and thread count).\n"
      "Example:\n  gantry resume runs/0001-quickstart train.steps=6000");
  return [arguments] { return resume(*arguments); };
}

}  // namespace gantry
