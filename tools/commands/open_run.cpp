// SPDX-License-Identifier: Apache-2.0
#include "tools/commands/open_run.h"

#include <algorithm>

#include "train/config_file.h"
#include "train/run_dir.h"
#include "train/system_state.h"
#include "train/training_step.h"

namespace gantry {
namespace {

Checkpoint load(CheckpointStore& store, const std::string& folder, int64_t step) {
  const std::vector<uint64_t> steps = store.steps();
  if (steps.empty()) {
    throw CheckpointError(concat(folder, " has no checkpoint yet; it makes one every ",
                                 "train.checkpoint_every steps and when it ends (gantry resume ",
                                 folder, " goes on with it)"));
  }
  if (step < 0) return std::move(*store.load_latest());
  const auto wanted = static_cast<uint64_t>(step);
  if (std::find(steps.begin(), steps.end(), wanted) == steps.end()) {
    std::string known;
    for (const uint64_t one : steps) known += concat(known.empty() ? "" : ", ", one);
    throw CheckpointError(
        concat("--step ", wanted, ": ", folder, " has no checkpoint of that step; it has ", known));
  }
  return store.load_step(wanted);
}

}  // namespace

OpenRun open_run(const std::string& folder, int64_t step, Log& log) {
  const RunDir run = RunDir::view(folder);
  LoadedConfig loaded = load_config(run.config().string());
  OpenRun open;
  // In fp32 whatever it was trained with, so that every machine can.
  open.backend = open_backend(loaded.config.backend, static_cast<int>(loaded.config.threads));
  CheckpointStore store(run.checkpoints(), log);
  const Checkpoint checkpoint = load(store, folder, step);
  const std::string place = store.path_of(checkpoint.step).string();
  open.stream = open.backend.device->make_stream();
  try {
    open.system = std::make_unique<System>(std::move(loaded.config), sample_spec(checkpoint, place),
                                           open.backend);
    // Not to take steps: it declares what else the checkpoint keeps.
    const auto training = make_training_step(*open.system);
    restore_system(*open.system, *open.stream, checkpoint, place);
  } catch (const ConfigError& error) {
    throw ConfigError(concat(run.config().string(), ": ", error.what()));
  } catch (const CheckpointError& error) {
    throw CheckpointError(concat(error.what(), "\nif ", run.config().string(),
                                 " was changed after training, put it back as it was"));
  }
  open.step = checkpoint.step;
  return open;
}

void require_generator(const std::string& folder, const System& system) {
  if (system.has("g")) return;
  throw ConfigError(concat(folder, ": has no generator, since its objective is \"",
                           system.config.objective.type, "\"; name a run that makes samples"));
}

bool wants_ema(const std::string& weights, const System& system) {
  const bool has = system.player("g").optimizer.has_ema();
  if (weights == "ema" && !has) {
    throw ConfigError("--weights ema: this run keeps no moving average (train.ema.decay is 0)");
  }
  return has && weights != "raw";
}

}  // namespace gantry
