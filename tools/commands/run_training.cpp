// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/run_training.h"

#include "core/digest.h"
#include "core/json.h"
#include "tools/commands/ranks.h"
#include "train/collective_dump.h"
#include "train/follower.h"
#include "train/report.h"
#include "train/system_state.h"
#include "train/trainer.h"

namespace gantry {
namespace {

void require_same_config(const Checkpoint& checkpoint, const std::string& digest,
                         const std::string& file) {
  const auto saved = checkpoint.meta.find("config");
  if (saved == checkpoint.meta.end() || saved->second == digest) return;
  throw ConfigError(concat(file, " is not the config that step ", checkpoint.step,
                           " was trained with; put it back as it was, or start a new run with "
                           "`gantry train`"));
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

}  // namespace

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

void restore_newest(Session& session, RunDir& run, const RestoreOptions& options, Log& log) {
  CheckpointStore checkpoints(run.checkpoints(), log);
  checkpoints.sweep();
  const auto checkpoint = checkpoints.load_latest();
  if (!checkpoint) {
    log.warning("no checkpoint in ", run.path().string(), " yet: starting from step 0");
    session.initialize();
    run.discard_after(0);
    return;
  }
  require_same_config(*checkpoint, session.config_digest(), options.config);
  const int64_t steps = session.system().config.train.steps;
  if (static_cast<uint64_t>(steps) < checkpoint->step) {
    throw ConfigError(concat("train.steps=", steps, ": ", run.path().string(),
                             " is already at step ", checkpoint->step, "; give a larger number"));
  }
  const std::string other_ranks = why_not_on_these_ranks(session.system(), *checkpoint);
  if (!other_ranks.empty() && !options.elastic) {
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

int train_in_step(Session& session, std::optional<RunDir>& run, Log& log) {
  Communicator& ranks = *session.system().backend.communicator;
  do_together(ranks, [&] {
    if (run) remove_collective_dumps(run->path());
  });
  const DistributedConfig& distributed = session.system().config.distributed;
  const std::string place =
      text_of_rank(ranks, 0, run ? std::filesystem::absolute(run->path()).string() : "");
  return run_in_step(ranks, place, [&] {
    ranks.set_timeout(distributed.timeout_s);
    ranks.compare_operations(distributed.compare_operations);
    session.share_state();
    if (run) return run_training(session, *run, log);
    const StopRequest stop;
    return static_cast<int>(follow(session, stop));
  });
}

}  // namespace gantry
