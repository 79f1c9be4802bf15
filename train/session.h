// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/profiler.h"
#include "train/checkpoint.h"
#include "train/data/prefetcher.h"
#include "train/data/source.h"
#include "train/training_step.h"

namespace gantry {

// The metric that the log adds to those of the step: D's loss on real plus on fake samples.
inline constexpr const char* kDiscriminatorLoss = "d.loss";

// How the buffers of a step share memory: in one arena by their lifetimes, or not at all (Replay).
enum class Allocator { kArena, kDirect };

// Steps from `first` to `last`, both included, counted from 1 as in the logs.
struct StepRange {
  int64_t first = 1, last = 0;
  bool contains(int64_t step) const { return first <= step && step <= last; }
};

// A system, its recorded steps and its data: everything needed to take steps, nothing that writes
// files. Train, bench and trace are loops over step().
class Session {
 public:
  // Records and plans the step; refuses (MemoryError, with the table of what takes the room) what
  // will not fit the device, and (ConfigError) a train.best_metric that the step does not compute.
  // Loads no data yet.
  Session(RunConfig config, Backend& backend, std::unique_ptr<DataSource> data,
          Allocator allocator = Allocator::kArena);

  // Draws the first weights, and reads the reference batches of virtual batch norm.
  void initialize();
  // `config_digest`: what a checkpoint says of the config that it belongs to; see tools/commands.
  void set_config_digest(std::string digest) { config_digest_ = std::move(digest); }
  const std::string& config_digest() const { return config_digest_; }
  Checkpoint checkpoint();
  // CheckpointError with a table where names, shapes or types differ.
  void restore(const Checkpoint& checkpoint, const std::string& place);

  // One kind of step (TrainingStep), ready to run.
  struct Variant {
    RecordedStep recorded;
    std::unique_ptr<Replay> replay;
  };

  ~Session();

  // Training steps, at least one and at most `most`: as many as the device takes in one launch.
  // Returns seconds waited for data.
  double advance(int64_t most);
  // One training step: waits for the data and copies it in, where the device does not read it
  // itself; replays. Returns seconds waited for data.
  double step();
  // The same with a watcher around each call, or with something else that runs the replay.
  double step(ReplayWatcher& watcher);
  double step(const std::function<void(const Replay&)>& run);
  // From now on, step() shows these steps to the device's profiler, if it has one: captured, and in
  // named ranges. Their calls are queued one by one, not as a recording.
  void show(StepRange range) { shown_ = range; }
  int64_t steps_done() const { return steps_; }
  // The first step so far (from 1) with a metric that was not finite; 0: none. Waits.
  int64_t first_bad_step();
  // Makes the coming step the `step`-th (from 1) again, with the weights as they are.
  void return_to(int64_t step);

  System& system() { return system_; }
  Stream& stream() { return *stream_; }
  const Variant& usual() const { return variants_.front(); }
  const Variant& next() const { return variants_[training_->variant_of(steps_)]; }
  const Variant& last() const { return variants_[training_->variant_of(steps_ - 1)]; }
  const std::vector<Variant>& variants() const { return variants_; }
  std::map<std::string, double> latest_metrics();  // of the last step
  // Whether to stop now; to be called before each step. One rank does what it wants; of several
  // all stop after the same step, the next one after any of them wants to.
  bool agree_to_stop(bool wanted);
  // Gives all ranks the state of rank 0.
  void share_state();
  int64_t samples_per_step() const;  // real samples that the usual step reads
  const DataInfo& data() const { return data_->info(); }
  const DataSource& source() const { return *data_; }

 private:
  ProfilerSink* profiler() { return system_.backend.device->profiler(); }
  int64_t launchable(int64_t most) const;
  double shown_step();
  void stop_showing();
  void write_position();
  void read_reference(const Player& player);
  double load_batches();
  double load_batch(int64_t place);

  std::unique_ptr<DataSource> data_;
  std::unique_ptr<Stream> stream_;
  System system_;
  std::unique_ptr<TrainingStep> training_;
  std::vector<Variant> variants_;
  std::unique_ptr<Prefetcher> prefetcher_;
  std::string config_digest_;
  std::string earlier_ranks_;  // "4 ranks to step 200", where their number has changed
  int64_t steps_ = 0;
  bool has_stepped_ = false;  // since the state was initialised or restored
  StepRange shown_;
  bool capturing_ = false;
};

// The table that `gantry plan` prints and that a refusal quotes.
std::string describe_memory(const Program& program, const MemoryPlan& plan);

}  // namespace gantry
