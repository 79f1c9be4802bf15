// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/planner.h"

namespace gantry {

// Watches a replay call by call: profiler, finite check, trace.
class ReplayWatcher {
 public:
  virtual ~ReplayWatcher() = default;
  // Whether it looks at values: then the stream is synchronised around each call. If not, before
  // and after stand around the queueing of a call, which runs when the device comes to it.
  virtual bool looks_at_values() const { return true; }
  // index: the call's place in the program.
  virtual void before(size_t /*index*/, const Call&, std::span<const TensorView>) {}
  virtual void after(size_t /*index*/, const Call&, std::span<const TensorView>) {}
};

// A program with addresses: its buffers placed in an arena, its calls bound. Programs that never
// run at the same time may share one arena, which must have at least plan.arena_bytes.
class Replay {
 public:
  Replay(Program program, MemoryPlan plan, std::shared_ptr<Memory> arena);
  // Each buffer, and each call's scratch, in an allocation of its own that nobody has written yet:
  // for tools that watch the ends of allocations and reads of unwritten memory.
  Replay(Program program, MemoryPlan plan, Device& device);

  // Runs the program `times` times. No branch, no allocation, no wait. Where the stream can record,
  // the first call of run queues every call (whatever is made at first use is made then); later
  // ones on the same stream queue a recording of all the runs, which is made where there is none
  // yet.
  void run(Stream& stream, int64_t times = 1) const;
  void run(Stream& stream, ReplayWatcher& watcher) const;

  TensorView view(const TensorRef& ref) const;
  const Program& program() const { return program_; }
  const MemoryPlan& plan() const { return plan_; }
  const Memory& arena() const;

 private:
  struct Bound {
    const Kernel* kernel;
    std::span<const TensorView> args;
    void* scratch;
  };
  void queue(Stream& stream, int64_t times) const;
  // Null where the stream does not record.
  const Recording* recording(Stream& stream, int64_t times) const;
  void bind();

  Program program_;
  MemoryPlan plan_;
  std::shared_ptr<Memory> arena_;
  std::vector<Memory> apart_;     // without an arena
  std::vector<void*> buffers_;    // per buffer of the program; null where no call uses it
  std::vector<void*> scratches_;  // per call; null where it needs none
  std::vector<TensorView> views_;
  std::vector<Bound> bound_;

  // How the calls are queued, not what they compute.
  struct Recorded {
    int64_t times;
    std::unique_ptr<Recording> recording;
  };
  mutable bool has_run_ = false;
  mutable const Stream* recorded_on_ = nullptr;
  mutable std::vector<Recorded> recorded_;  // one for each number of runs asked for
};

}  // namespace gantry
