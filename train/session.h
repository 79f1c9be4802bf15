// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/replay.h"
#include "train/checkpoint.h"
#include "train/data/prefetcher.h"
#include "train/data/source.h"
#include "train/gan.h"

namespace gantry {

// A GAN, its recorded step and its data: everything needed to take steps, nothing that writes
// files. Train, bench and trace are loops over step().
class Session {
 public:
  // Records and plans the step; refuses (MemoryError, with the table of what takes the room) what
  // will not fit the device. Loads no data yet.
  Session(RunConfig config, Backend& backend, std::unique_ptr<DataSource> data);

  void initialize() { gan_.initialize(*stream_); }
  // `config_digest`: what a checkpoint says of the config that it belongs to; see tools/commands.
  void set_config_digest(std::string digest) { config_digest_ = std::move(digest); }
  Checkpoint checkpoint();
  // CheckpointError with a table where names, shapes or types differ.
  void restore(const Checkpoint& checkpoint, const std::string& place);

  // One training step: waits for the data, copies it in, replays. Returns seconds waited for data.
  double step();
  // The same with a watcher around each call.
  double step(ReplayWatcher& watcher);
  int64_t steps_done() const { return steps_; }

  Gan& gan() { return gan_; }
  Stream& stream() { return *stream_; }
  const Replay& replay() const { return *replay_; }
  const RecordedStep& recorded() const { return recorded_; }
  const DataInfo& data() const { return data_->info(); }

 private:
  double load_batch();
  void take_step_counter();

  std::unique_ptr<DataSource> data_;
  std::unique_ptr<Stream> stream_;
  Gan gan_;
  std::unique_ptr<Objective> objective_;
  RecordedStep recorded_;
  std::unique_ptr<Replay> replay_;
  std::unique_ptr<Prefetcher> prefetcher_;
  std::string config_digest_;
  int64_t steps_ = 0;
};

std::unique_ptr<Objective> make_objective(const RunConfig& config);

// The table that `gantry plan` prints and that a refusal quotes.
std::string describe_memory(const Program& program, const MemoryPlan& plan);

}  // namespace gantry
